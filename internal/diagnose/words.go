package diagnose

import (
	"regexp"
	"sync"
)

// The words of services that refuse. They are grouped by language; a sentence
// may mix them, as relays do. All text is lower case when it gets here.

// wordForms are how services name a stream.
var wordForms = oneOf(
	`\bstream(s|ed|ing|en)?\b`, `\bstream(ing)?(modus|antwort\p{L}*|ausgabe\p{L}*|anfrage\p{L}*|betrieb|funktion\p{L}*)`,
	`\bgestreamt\w*`, `\bflux continu`, `\bdiffusion en (continu|flux)`, `\b(en|le|du|de|mode|par) flux\b`,
	`\btransmisi[oó]n\p{L}*`, `\b(en|por) flujo\b`, `\bflujo continuo`, `\btransmiss[aã]o`, `\bflusso\b`,
	`ストリーミング|ストリーム|逐次(出力|応答|配信)`, `流式|串流|流模式|流传输|流傳輸|流输出|流輸出`, `스트리밍|스트림`,
	`потоков\p{L}+|стрим\p{L}+`, `\bstrumieniow\p{L}+`, `\bstreamov\p{L}+`, `\bstr[öø]m(ning|ming)\p{L}*`, `akış\p{L}*`,
	`البث|بث`, `स्ट्रीमिंग`, `truyền phát|phát trực tuyến`, `สตรีม`, `suoratois\p{L}*`, `ροή\p{L}*`, `הזרמ\p{L}+|סטרימינג`, `استریم`,
	`\bstreamel\p{L}+`, `\bsse\b`, `server[- ]sent events?`,
)

// refusals are how they say that it is not to be had.
var refusals = oneOf(
	// English
	`\b(not|never) (yet |been |be |\w+ly |fully )*(support|allow|permit|available|enabled|implement|offered|possible|compatible|`+
		`accept|be used|used|provided|activated|licensed|included|granted|configured|an option|have (access|permission)|`+
		`turned on|switched on|part of|served|usable|accessible|exposed|active)`,
	`\bunsupported|\b(is|are) missing\b|\b(rejects?|refuses?)\b`, `\bdo(es)? not (\w+ly |yet )?(support|allow|permit|accept|offer|provide|implement|handle)`,
	`\bdisabled\b|\bdeactivated\b|\bforbidden\b|\bprohibited\b|\bdisallowed\b|\bswitched off\b|\bturned off\b`,
	`\bmust be (verified|omitted|absent|removed|left out)\b|\bmust not be (set|true|used|sent)|values are: false|default \(false\)`,
	`\bonly available (on|in|for|to|with)\b|\brequires? an? (\w+ )?(enterprise|paid|premium|pro|business|verified)\b`,
	`\bno (access|permission)\b|\black(s|ing)? (the )?permission`,
	// German, Dutch, Scandinavian
	`\bnicht (\p{L}+ ){0,2}(unterst[üu]e?tzt|verf[üu]e?gbar|erlaubt|aktiviert|m[öo]e?glich|zul[äa]e?ssig|freigeschaltet|gestattet|`+
		`freigegeben|implementiert|zugelassen|vorgesehen|enthalten|bereit|angeboten|aktiv|nutzbar|zur verf[üu]e?gung|streamen)`,
	`\bunterst[üu]e?tzt (\p{L}+ ){0,2}(kein\p{L}*|nicht)|\bkann (\p{L}+ )?nicht\b|\b(enthält|bietet|erlaubt) kein\p{L}*|`+
		`\b(darf|dürfen) (\p{L}+ )?nicht (true|gesetzt|verwendet|aktiv\p{L}*|gestreamt)`,
	`\b(deaktiviert|gesperrt|untersagt|verboten|abgeschaltet|abgelehnt)\b|\b(muss|müssen) (\p{L}+ )?verifiziert`,
	`\bniet (\p{L}+ )?(ondersteund|beschikbaar|toegestaan|ingeschakeld|mogelijk)|\buitgeschakeld\b|\bondersteunt (geen|niet)\b`,
	`\b(inte|ikke) (\p{L}+ )?(stöds?|støttet|understøttet|tillåt\p{L}*|tillgänglig\p{L}*|tilgjengelig|tilladt|tillatt|aktiver\p{L}*)`,
	`\b(stöds|støttes|understøttes|stöder|støtter|understøtter) (inte|ikke)\b`,
	// French
	`\b(pas|non|plus) (encore |actuellement )?(prise?s? en charge|support[ée]\p{L}*|disponibles?|autoris[ée]\p{L}*|permise?s?|`+
		`activ[ée]\p{L}*|possible|compatibles?|impl[ée]ment[ée]\p{L}*|accept[ée]\p{L}*)`,
	`\bne (supporte|prend|prennent|permet|g[èe]re|propose|accepte)(nt)? (pas|plus)\b|\bn'(autorise|accepte|admet|offre|inclut|active) (pas|plus)\b|`+
		`\bne (doit|peut|dispose|fournit)\p{L}* pas\b`,
	`\b(d[ée]sactiv[ée]|interdit|indisponible)\p{L}*|\bdoit [êe]tre v[ée]rifi[ée]\p{L}*`,
	// Spanish, Portuguese, Italian
	`\b(no|n[ãa]o|non) (se |es |est[áaã]o? |est[áa]n |son |s[ãa]o |é |è |sono |ha sido |puede |viene )?(\p{L}+mente )?`+
		`(so?uport\p{L}+|soport\p{L}+|supportat\p{L}*|supporta|compat\p{L}+|admit\p{L}+|dispon\p{L}+|permi\p{L}+|habilit\p{L}+|`+
		`abilitat\p{L}*|activ\p{L}+|ativ\p{L}+|acept\p{L}+|aceit\p{L}+|consent\p{L}+|ammess\p{L}*|autoriz\p{L}+|`+
		`ofre\p{L}+|offr\p{L}+|inclu\p{L}+|proporcion\p{L}+|forn\p{L}+|disp[oõ]\p{L}+)`,
	`\b(des(h)?abilit|desactiv|desativ|disabilit|disattiv|prohibid|proibid|vietat)\p{L}+|\b(sin soporte|sem suporte|senza supporto)\b|`+
		`\b(no|n[ãa]o|non) (se )?(puede|pode|pu[òo])\p{L}*|\bdebe (ser |estar )?verificad[oa]`,
	// Japanese, Chinese, Korean
	`サポート(し|され)て(い)?(ない|ません|おりません)|対応(し|され)て(い)?(ない|ません|おりません)|[非未](対応|サポート)|サポート(対象)?外|利用になれません`,
	`(利用|使用)(は)?(でき|可能では)(ない|ません|ありません)|許可され(て(い|おり))?(ない|ません)|提供(し|され)て(い|おり)(ない|ません)|いただけ(ない|ません)|対象外|未提供|行えません|不可|無効|禁止|使え(ない|ません)|できません`,
	`不(受)?(支持|支援|允许|允許|可用|提供|开放|開放|兼容|能使用)|未(开启|開啟|启用|啟用|开放|開放|支持|支援|开通|開通|授权|授權)`,
	`下线|下架|无权|無權|[不未]包含|(没有|沒有|无|無).{0,12}(权限|權限)|(暂时)?(无法|無法)(使用|提供|进行)|禁用|停用|无法使用|無法使用|没有权限|沒有權限|请(先)?关闭|請(先)?關閉|[已被].{0,6}(关闭|關閉)|需要(验证|驗證)`,
	`(지원|제공)(되지|하지) ?않|이용(할|하실) 수 없|지원 ?안|사용할 수 없|금지|허용되지 ?않|비활성화|미지원|불가`,
	// Slavic, Turkish, Arabic, Hindi, Vietnamese, Thai, Indonesian
	`не (поддерж\p{L}+|доступ\p{L}+|разреш\p{L}+|включен\p{L}*|допуска\p{L}+)|(от|вы)ключен\p{L}*|не (предоставля|предусмотр|реализ)\p{L}+|запрещ\p{L}+|недоступ\p{L}+|не (умеет|может)|нельзя|не підтрим\p{L}+|вимкнен\p{L}*`,
	`\bnie (jest |są )?(obsług\p{L}+|dostępn\p{L}+|dozwol\p{L}+|wspier\p{L}+)|\bwyłączon\p{L}+|\bnen[ií] (podpor\p{L}+|povol\p{L}+|dostup\p{L}+)|nepodporuje`,
	`desteklenm\p{L}+|devre dışı|izin verilm\p{L}+`, `غير (مدعوم|متاح|مسموح)\p{L}*|لا (يدعم|تدعم)`, `समर्थित नहीं|उपलब्ध नहीं|समर्थन नहीं`,
	`không (được )?(hỗ trợ|cho phép|khả dụng)`, `ไม่(รองรับ|อนุญาต|สามารถ)`, `\bei (ole )?(tueta|tuettu|sallittu|käytettävissä)`,
	`δεν (υποστηρ\p{L}+|επιτρ\p{L}+|είναι διαθέσιμ\p{L}+)`, `(אינ\p{L}*|לא) (נתמכ\p{L}+|זמינ\p{L}+|מותר\p{L}*)`, `پشتیبانی نمی`,
	`\bnem (támogat\p{L}*|engedélyez\p{L}*|elérhető)`, `\bnu (este |sunt )?(suport\p{L}+|accept\p{L}+|permis\p{L}*|permite|disponibil\p{L}*|activat\p{L}*)`, `\btidak (di)?(dukung|izinkan|tersedia)|\btidak mendukung`,
)

// weakRefusals count only right after the stream: they say other things too.
var weakRefusals = oneOf(`\bdenied\b`, `\bblocked\b`, `\bunavailable\b`, `\bis off\b`)

// direct are refusals that are no pair of stream and refusal.
var direct = oneOf(
	`\bcannot (be streamed|use stream(ing)?)\b|\b(model|deployment|endpoint|account|organi[sz]ation|plan|tier)\b[^.;\n]{0,20} cannot stream\b`,
	`\b(please|must|need to|should|to|kindly)? ?\b(disable|turn off|switch off|deactivate|omit|drop|remove) (the )?['"\x60]?stream\b`,
	`\b(disable|turn off|switch off|deactivate) (the )?streaming\b`, `\bkeine? (\p{L}+[- ])?stream`,
	`\bstream\b['"\x60]?[^.;!?\n]{0,40}\bremove (it|this|the (key|field|parameter|option))`, `\bstream\b.{0,4}\boff\b`,
	`\bstream\b[^;!?\n]{0,40}\bfalse\b|\bfalse\b.{0,20}\bstream\b`,
	`\bstream\b\W{0,4}(true|1)\b[^;!?\n]{0,30}\b(invalid|illegal|rejected|refused)\b|(没有|沒有|无|無).{0,12}(流式|串流|stream).{0,8}(权限|權限)`,
	`\bno stream(ing)? (support|capabilit|mode|allowed|possible)|\bno support for stream|\black(s|ing)? (\w+ )?(support for )?stream`,
	`\bwithout stream(ing)? support\b`, `(unknown|unrecognized|unsupported|unexpected|extraneous|invalid|illegal) (request )?`+
		`(parameter|argument|field|key)s?( supplied)?:? ?['"\x60\[(]?stream\b`,
)

// plainWanted are requests for a plain call, in the evened-out word.
var plainWanted = oneOf(
	`\b(only|solely)\b[^.;!?\n]{0,25}\bnonstream`, `\bnonstream[^.;!?\n]{0,25}\b(only|required)\b`,
	`\b(must be|must use|use|requires?|expects?|to be) (an? |the |\w+ )?nonstream`,
	`(仅|只|仅能|只能|请使用|改用|請使用) ?(支持|支援|允许|允許|使用)? ?nonstream|nonstream ?(のみ|だけ)`,
	`(nur|uniquement|seulement|solo|sólo|solamente|somente|apenas|soltanto|только) [^.;!?\n]{0,16}nonstream`,
)

// broken are words between stream and refusal that make the sentence one
// about a stream that began, or about something else.
var broken = oneOf(
	`\b(ended|closed|failed|failure|abort\w*|interrupt\w*|terminat\w*|timed? ?out|disconnect\w*|reset|broke\w*|crash\w*|error|because|since)\b`,
	`\b(api key|credentials?|quota|images?|schema|url|file)\b|\b(but|and|while) \S+ (is|are)\b`,
	`\b(is|are|remains?) (fully |also |still )?(supported|available|enabled|allowed|fine)\b|\bworks?\b|\binstead\b`,
	`verbindung|fehler|abgebrochen|beendet|unterbrochen|connexion|erreur|interrompu|conexi[óo]n|interrump|conex[ãa]o|erro\b`,
	`连接|連接|中断|中斷|断开|超时|失败|错误|出错|结束|接続|切断|終了|エラー|失敗|연결|오류|соедин|ошибк|прерван`,
)

// broke is the same, right after the stream.
var broke = regexp.MustCompile(`^\W{0,3}(has |was |is |got )?(ended|closed|failed|aborted|interrupted|terminated|timed out|disconnected|reset|broken|error)`)

// failing stands before a stream that somebody tried and that failed.
var failing = regexp.MustCompile(`\b(failed to|(error|problem|exception) (while|when|during|in)|could not)( \w+)? ?(the |a )?$`)

// reasons follow a weak refusal that has another cause.
var reasons = regexp.MustCompile(`^\W{0,2}(because|due|insufficient|invalid|rate|quota|too many|expired)`)

// elsewhere are causes that explain a weak refusal better.
var elsewhere = regexp.MustCompile(`content (filter|policy)|safety|moderation|rate limit|quota|credits?`)

// crowd are limits on how many streams, or on both modes alike.
var crowd = oneOf(
	`\b(concurrent|simultaneous|parallel|too many|number of|maximum)\b.{0,20}\bstream`,
	`\bstream(ing|s|ed)? (and|or|und|oder|et|ou|y|o|e) (nonstream|plain)|\bnonstream (and|or|und|oder|et|ou|y|o|e) stream|\b(either|both) modes?\b`,
)

// passing are words of a trouble that will go by itself.
var passing = oneOf(
	`temporar|try again|retry|\blater\b|overload|maintenance|vorübergehend|später|temporair|momentan|réessay|plus tard`,
	`inténtel?o|más tarde|一時的|しばらく|再試行|暂时|稍后|重试|잠시|временно|позже`,
)

// accountWords, combinationWords and modelWords tell the reason.
var (
	accountWords = oneOf(`must be verified|organi[sz]ation|subscription|entitle|\baccount\b|\byour (plan|tier)\b|licen[sc]e`,
		`\b(konto|abonnement|compte|cuenta|conta|suscripci[óo]n|assinatura|vertrag)\b|verifizier|v[ée]rifi[ée]|verificad`,
		`组织|組織|账户|帐户|账号|帳戶|订阅|訂閱|套餐|认证|アカウント|プラン|契約|계정|аккаунт|подписк|организац`)
	combinationWords = oneOf(`\btools?\b|\bfunctions?\b|tool_|function_|response_?format|json[ _](mode|schema|object|output)|logprobs|structured`,
		`\bmodalit|\bbest_of\b|\b(combined|combination|together|conjunction) with|in combination`,
		`werkzeug|funktionsaufruf|\boutils?\b|herramient|ferrament|strument|ツール|関数|工具|函数|函數|도구|함수|инструмент`)
	modelWords = oneOf(`mod[eèé]l|模型|モデル|모델|модел`)
)

// parameterSubject is a parameter that cannot be used with streams: the words
// then refuse the parameter.
var parameterSubject = regexp.MustCompile(`(\b[a-z]+_[a-z_]+|\b(temperature|seed|stop|echo|suffix|store|metadata|user|n|top_p|top_k))\b['"\x60]? ` +
	`(parameters? )?(is|are|was|were)( currently| yet)? $`)

// plainRefusals say that only streams are answered.
var plainRefusals = oneOf(
	`\b(only|solely) supports? .{0,20}\bstream`, `\bstream['"\x60]? must be (set to )?['"\x60]?true`, `expected true at .{0,12}\bstream`,
	`\bmust .{0,60}\bnonstream`, `\bnonstream\b.{0,60}(not (\w+ly |yet )?(support|allow|available|permit)|unsupported|disabled)`,
	`\b(not (\w+ly |yet )?(support|allow|available|permit)\w*|unsupported|disabled).{0,40}\bnonstream`,
	`\bstream(ing)? (mode )?is (required|mandatory)|\brequires? (the use of )?stream|\bmust use stream|\bmust be streamed\b`,
	`\bonly (be )?(available|accessible|works?|used|possible|called) (via|with|in|through|as|by|for) (a )?stream`, `\bstream(ing)? only\b`,
	`\b(set|use|enable|pass|send)\b.{0,12}\bstream\b['"\x60]? ?(to|=|:) ?['"\x60]?true`,
	`\b(nur|ausschließlich)\b.{0,30}(stream|gestreamt)`, `\b(uniquement|seulement|que)\b.{0,25}(stream|flux)`,
	`\b(solo|sólo|solamente|únicamente|somente|apenas|soltanto)\b.{0,30}(stream|transmisi|transmiss|flujo|flusso)`,
	`(仅|只|只能|仅能|必须|必須|需要)(支持|支援|允许|使用|以|开启|設定)?.{0,6}(流式|串流|stream)`, `nonstream ?.{0,10}(不支持|不支援|未支持|不可用)`,
	`(不支持|不支援) ?nonstream`, `(ストリーミング|ストリーム)(モード)?(のみ|だけ|が必(要|須))`, `nonstream ?.{0,14}(サポートされて|対応して|利用でき)`,
	`스트리밍(만|모드만)`, `только.{0,20}(поток|стрим)`,
)

// booleans are how services ask for true or false.
var booleans = oneOf(
	`\bstream\b.{0,60}\btrue['"\x60]? ?(or|/|oder|ou|o|and|和|或|または|か|및|или) ?['"\x60]?false\b`,
	`\bstream\b.{0,80}(\bbool|布尔|布林|ブール|真偽|불리언|논리|логическ|булев)`,
	`(\bbool(ean)?\b|布尔|布林|ブール|真偽|불리언|логическ\p{L}*).{0,20}\bstream\b`,
)

// options are the names of what only streams carry.
var options = regexp.MustCompile(`stream_?options|include_?usage`)

// oneOf joins alternatives into one expression, which is compiled when a text
// first asks for it: together they take 4 MB that most agents never need.
func oneOf(alternatives ...string) func() *regexp.Regexp {
	all := ""
	for i, a := range alternatives {
		if i > 0 {
			all += "|"
		}
		all += "(?:" + a + ")"
	}
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(all) })
}
