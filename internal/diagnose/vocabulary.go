package diagnose

// vocabulary holds the words of error texts that matter, lower case, without
// accents and by sense; a trailing asterisk takes any ending. A text may mix
// languages, as relays do. Words without a sense are of streams of another
// kind: they keep the shorter ones from being found inside.
var vocabulary = []struct {
	sense sense
	words string
}{
	{isStream | isKey, "stream|allow_streaming|allow_stream|enable_streaming|enable_stream|supports_streaming|supports_stream|streaming_enabled|stream_enabled|use_streaming|can_stream|allowstreaming|enablestreaming|supportsstreaming"},
	{isStream, "invokemodelwithresponsestream|conversestream|converse stream|streamgeneratecontent|streamrawpredict|streams|streamed|streaming|sse|eventsource|text/event stream|server sent event|server sent events|event streams|event streaming|" +
		"event stream response*|event stream output|" +
		"chunked response*|chunked output|chunked answer*|chunked transfer|incremental response*|incremental output|incremental delivery|" +
		"partial response*|token by token|streamed response*"},
	{isStream | isAble, "streamable|streambar"},
	{isStream, "streamen|streamt|streams|gestream*|gestreamt*|streamingmod*|streamingantwort*|streamingausgabe*|streaminganfrage*|streambetrieb|" +
		"streaming funktion*|streamingfunktion*|streamingbetrieb|streamantwort*|streammodus|datenstrom antwort*|datenstrommodus"},
	{isStream, "diffuser en flux|flux continu|en flux|le flux|du flux|de flux|mode flux|par flux|diffusion en continu|diffusion en flux|diffusion continue"},
	{isStream, "transmision|transmisiones|transmision en continuo|en flujo|por flujo|flujo continuo|transmissao|transmitir|flusso|flusso continuo|" +
		"respuestas por partes|fluxo|fluxo continuo|strimming"},
	{isStream, "ストリーミング|ストリーム|逐次出力|逐次応答|逐次配信|逐次生成|流式|串流|流模式|流传输|流傳輸|流输出|流輸出|流响应|流式传输|스트리밍|스트림"},
	{isStream, "потоков*|потоком|стрим*|поток ответ*|стримить|strumieniow*|streamov*|streamovani|stromning*|stromming*|akis|akis modu|akisi|akish*|البث|بث|स्ट्रीमिंग|स्ट्रीम|" +
		"truyen phat|phat truc tuyen|truyen truc tuyen|สตรีม|สตรีมมิ่ง|suoratois*|striimau*|ροη|ροης|הזרמ|הזרמה|סטרימינג|استریم|streamel*|streaming ul|transmisie*|strujanj*|strims*|strumien*"},
	{isPlain, "non stream*|nonstream*|unstreamed|non sse|without streaming|without stream|without the stream|without the streaming|without `stream|without 'stream|without \"stream|without `stream|not streamed|blocking mode|blocking response*|blocking call*|blocking request*|unary call*|unary request*|nicht streaming|nicht gestreamt*|ungestreamt*|sans streaming|sans flux|non streame*|sin streaming|sin transmision|sin flujo|" +
		"ohne streaming|ohne stream|sem streaming|sem fluxo|senza streaming|zonder streaming|niet streaming|" +
		"非流式|非串流|非流模式|非ストリーミング|非ストリーム|비스트리밍|비 스트리밍|непотоков*|не потоков*|без стрим*|без поток*|no streaming mode|nao streaming"},
	{0, "bedrock:invokemodelwithresponsestream|streaming upload*|stream upload*|streaming wars|streaming advice|streaming piracy|streaming ads|stream buffer*|streaming movie*|streaming show*|streaming site*|streaming device*|stream file*|" +
		"document stream*|multipart stream*|body stream*|upload stream*|nats stream*|kafka stream*|twitch stream*|twitch.tv stream*|streamed request bod*|streamed upload*|chunked request*|transfer encoding: chunked is not supported for request*|" +
		"fluxo de|flusso di|flujo de|视频串流|视讯串流|stream of thought|stream of consciousness|stream of data|stream url*|stream link*|stream ripping|stream titles|データストリーム|バイトストリーム|動画ストリーム|音声ストリーム|数据流|视频流|音频流|字节流|視訊串流|影音串流|影片串流|데이터 스트림|비디오 스트리밍|audio stream*|video stream*|image stream*|media stream*|live stream*|screen stream*|gzip stream*|deflate stream*|compressed stream*|streaming or not|streamed or not|streaming or otherwise|with or without streaming|with or without stream|rtsp stream*|rtmp stream*|camera stream*|hub stream*|pubsub stream*|telemetry stream*|audit stream*|topic stream*|text streams|stream source*|stream input*|stream address*|stream processing|stream processor*|stream topic*|input stream|input streams|data stream|data streams|byte stream*|" +
		"bit stream*|file stream*|log stream*|tcp stream*|memory stream*|kinesis stream*|redis stream*|change stream*|stream id*|stream name*|" +
		"stream object*|stream position|stream analytics|stream socket*|event stream|flux rss|flux audio|flux video|le flux rss|le flux audio|le flux video|up stream|down stream|" +
		"http/2 stream*|http2 stream*|grpc stream*|quic stream*|h2 stream*|stream reset*|stream handle|filestream*|memorystream*|stream reader|stream cipher*|" +
		"video streaming|audio streaming|music streaming|game streaming|streaming service*|streaming platform*|streaming quota*|streaming limit*|streaming minutes|streaming rate*|transmision de video|streaming de video|streaming video*"},

	{isOption, "stream_options|stream_option|streamoptions|streamoption|stream options|include_usage|includeusage|include usage|stream_usage|stream_opts|streamopts"},

	// refusals in one word or phrase
	{isBarred, "unsupported|unimplemented|rejects|refuses|disabled|deactivated|forbidden|prohibited|disallowed|switched off|turned off|deprecated|decommissioned|suspended|withdrawn|" +
		"restricted|removed from|must be verified|must be omitted|must be absent|must be removed|must be left out|must not be|should not be|may not be|should not exist|must not exist|opted out of|opts out of|coming soon|on the roadmap|on our roadmap|future release|future version|reserved for|reserved to|premium capability|premium option|paid option|enterprise only|exclusive to|" +
		"values are: false|default (false)|no access|no permission|lack the permission|lacks the permission|lack permission|" +
		"lacks permission|lacks permissions|disable|turn off|switch off|deactivate|premium feature|paid feature|enterprise feature|out of scope|not an option|cannot be used|cannot be enabled|" +
		"can not be used|cant be used|can't be used|not for use|off limits|not part of|won't work|does not work|doesn't work|will not work|not working|is not a feature|prohibits|prohibit|forbids|forbid|disallows|disallow|prevents|bans|banned|disables|excludes|blocks|denies|incompatible|mutually exclusive|impossible|insufficient permission*|insufficient privilege*|insufficient right*|must be unset|must be off|should be off|must stay off"},
	{isBarred | isAccount, "verify your organi*|verify your account|organization verification|organisation verification|account verification|verification required|verification is required"},
	{isBarred, "unterbunden|verhindert|vorbehalten|slaet fra|slatt av|reserve a|reservee a|reserve aux|reservee aux|reservado a|reservado para|reservada a|riservato a|riservata a|deaktivier*|gesperrt|untersagt|verboten|abgeschaltet|ausgeschaltet|abgelehnt|blockiert|nicht streamen|nicht streambar|muss verifiziert|mussen verifiziert|unzulassig|unzulaessig|ungultig fur|" +
		"uitgeschakeld|geblokkeerd|verboden|avstangd|avaktiverad|inaktiverad|deaktivert|deaktiveret|ikke stotte|forbudt"},
	{isBarred, "desactive*|desactivez|interdit*|indisponible*|inaccessible*|bloque par|doit etre verifie*|deshabilit*|desactiv*|inhabilit*|no disponible|prohibid*|bloquead*|desabilit*|desativ*|proibid*|" +
		"indisponivel|indisponiveis|non disponibil*|disabilit*|disattiv*|vietat*|sin soporte|sem suporte|senza supporto|debe verificad*|debe ser verificad*|debe estar verificad*|bloccat*"},
	{isBarred, "サポート対象外|サポート外|対応外|対象外|非対応|非サポート|未対応|未サポート|未提供|不可|無効|禁止|行えません|使えない|使えません|利用不可|ご遠慮|オフに|オフです|停止し|" +
		"禁用|停用|下线|下架|无权|無權|关闭|關閉|需要验证|需要驗證|被拒绝|被拒絕|禁止使用|不支|不開放|尚不|" +
		"미지원|금지|비활성화|불가|차단|지원 안|지원안"},
	{isBarred, "отключ*|выключ*|вимкн*|запрещ*|запрет*|заблокир*|недоступ*|заборон*|нельзя|wylaczon*|zabronion*|niedostepn*|zakazan*|vypnut*|nepodporuj*|nepodporov*|nepovolen*|nedostupn*|" +
		"desteklenm*|desteklemi*|devre disi|kapali|yasak*|izin verilm*|kullanilam*|محظور|معطل|ممنوع|अक्षम|निषिद्ध|vo hieu|bi cam|bi tat|ปิดใช้งาน|ไม่รองรับ|ไม่อนุญาต|ไม่สามารถ|" +
		"estetty|απενεργοποι*|απαγορευ*|מושבת|אסור|پشتیبانی نمی|غیرفعال|letiltva|letiltott|tiltott|dezactivat*|interzis*|dinonaktifkan|dilarang|nonaktif|onemogucen*|isključen*"},
	{isRefusal, "complete responses only|complete answers only|full responses only|only complete responses|only complete answers|only full responses|buffered responses only|only buffered responses|unary only|synchronous only|without streaming support|without stream support|lacks streaming|lack streaming|lacks support for stream*|lack support for stream*|lacking streaming|no streaming support|no stream support|" +
		"no support for stream*|no streaming capabilit*|no streaming mode|no sse|no support for sse|keine streaming unterstutzung|cannot do sse|stream not supported|nostream*|streamnotallowed|streamingnotallowed|streamnotsupported|streamingnotsupported|streamdisabled|streamingdisabled|" +
		"streamingnotenabled|streamnotenabled|streamforbidden|streamingforbidden|streamunsupported|streamingunsupported|unsupportedstream*|streamingnotavailable|streamnotavailable|streamingunavailable|streamingnotimplemented"},
	{isRetry, "bitte|please|veuillez|por favor|per favore|пожалуйста|prosze|retry|resend|re send|repeat|again|configured|wiederholen|reessay*|reintent*|repita|riprov*|もう一度|再試行|重试|重試|다시|повторите"},
	{isWeak, "missing|denied|blocked|unavailable|off|refused|rejected|declined|discontinued|verweigert|refuse|refusee|refusees|rechazad*|denegad*|negad*|recusad*|rifiutat*|отклон*|拒否|거부"},
	{isDrop, "remove it|remove|omit|drop|unset|delete|strip|leave out|entfernen|entferne|weglassen|supprimez|supprimer|retirez|elimine|quite|remova|remuova|rimuovere|rimuovi|去掉|移除|删除|刪除|削除|제거"},
	{isUnfit, "unknown parameter*|unrecognised parameter*|unrecognised option*|unrecognised field*|unrecognised argument*|unrecognised key*|unknown attribute*|unsupported attribute*|unrecognized attribute*|unrecognized parameter*|unsupported parameter*|unexpected parameter*|extraneous parameter*|invalid parameter*|illegal parameter*|invalid option*|illegal option*|invalid field*|invalid key*|invalid argument*|invalid property|" +
		"unknown request parameter*|unknown argument*|unrecognized argument*|unsupported argument*|unexpected argument*|unrecognized request argument*|" +
		"unknown field*|unrecognized field*|unsupported field*|unexpected field*|unknown key*|unrecognized key*|unsupported key*|unexpected key*|extraneous key*|" +
		"unknown property|unsupported property|unexpected property|unexpected keyword argument*|unknown name|unknown option*|unsupported option*|unrecognized option*|unsupported value*|" +
		"extra inputs are not permitted|extra fields not permitted|extra field*|extra input*|unknown json field*|unsupported request parameter*|additional properties|unknown property*|" +
		"parametro desconocido|parametre inconnu|unbekannter parameter|parametro sconosciuto|parametro desconhecido|未知参数|不支持的参数|不支持参数|неизвестный параметр"},

	// not, and what it denies
	{isNo, "not|never|nor|doesn't|don't|isn't|aren't|wasn't|hasn't|haven't|didn't|won't|doesnt|dont|isnt|arent|cannot|can't|cant|no longer|nao|non|ne|nie|nie jest|nie sa|ei|ei ole|eivat|" +
		"не|нет|nem|nu|nu este|nu sunt|tidak|belum|khong|khong duoc|chua|ไม่|ไม่ได้|غير|لا|لم|ليس|لن|אינ|אינו|אינה|לא|δεν|nisu|nije|ned|neni|nen|nejsou|" +
		"不|不受|不被|不再|未|未被|尚未|没有|沒有|没|無法|无法|暂不|暫不|不予|并不|并未|不会|不能|मत"},
	{isNo | isNone, "lacks|lack|lacking|no|sin|sem|senza"},
	{isLateNo, "nicht|nicht mehr|noch nicht|none|kein|keine|keinen|keinem|keiner|pas|plus|point|jamais|niet|geen|inte|ikke|ingen|ej|" +
		"ない|ません|なりません|ておらず|できず|ず、|않|안 |안됨|안 됩니다|못|없|नहीं|değil|degil|nelze|nemuze|نمی"},
	{isLateNo | isNone, "pas de|pas d"},
	{isNone, "without|kein|keine|keinen|keinerlei|sans|aucun|aucune|ohne|geen|ingen|inget|ingun|bez|без|zonder|ningun|ninguna|nessun*|nenhum*"},
	{isCannot, "does not know how to|doesn't know how to|do not know how to|don't know how to|not know how to|ne sait pas|ne savent pas|no sabe|nao sabe|non sa|cannot|can't|cant|can not|unable to|not able to|incapable of|not capable of|cannot be|can't be|can not be|kann nicht|kann kein*|konnen nicht|ne peut pas|ne peuvent pas|no puede|no pueden|nao pode|non puo|" +
		"не умеет|не может|не могут|не способ*|nie moze|kan niet|kan inte|kan ikke|ei voi|nem tud|无法进行|無法進行"},
	{isAble, "support|supports|supporting|allow|allows|permit|permits|permission|implement|implements|implemented|implementation|offer|offers|offered|accept|accepts|accepted|acceptable|provide|provides|provided|" +
		"handle|handles|handled|serve|serves|served|used|usable|use|using|activated|licensed|included|include|granted|grant|configured|an option|access|authorized|authorised|entitled|eligible|turned on|switched on|" +
		"part of|accessible|exposed|expose|active|compatible|compatibility|possible|capable|capability|ready|recognized|recognised|expected here|a valid parameter|a valid field|a valid option|a valid argument|a recognized|" +
		"combined with|combined|combine|mixed|paired|delivered|emitted|generated|fulfilled|relay|relays|relayed|forward|forwards|forwarded|implementing|feasible|viable|permissible|valid for|applicable|in scope|work|works with|deliver|emit|produce|honor|honoured|honored|deployed|rolled out|provisioned|opted in|opted|do|set|send|pass|enable|turn on|switch on|make|return|ask for|request|requested|deal with|cope with|equipped|wired|hooked up|tested|certified|approved|cleared|whitelisted|contain|contains|specify|have|come with|comes with|cover|covers|covered"},
	{isAble | isState, "supported|allowed|permitted|available|enabled|fine|working"},
	{isAble, "unterstutz*|unterstuetz*|verfugbar|verfuegbar|erlaubt|erlaub*|aktiviert|aktiv|moglich|moeglich|zulassig|zulaessig|freigeschaltet|gestattet|freigegeben|implementiert|zugelassen|vorgesehen|" +
		"enthalten|enthalt|bereit|bereitgestellt|angeboten|anbietet|bietet|nutzbar|verwendbar|zur verfugung|zur verfuegung|streamen|nutzen|verwenden|verwendet|lizenziert|eingerichtet|geeignet|akzeptiert|vorhanden|gebucht|beherrscht|genutzt|teil|inbegriffen|eingeschaltet|konfiguriert|gesetzt werden|gestreamt"},
	{isAble, "ondersteun*|beschikbaar|toegestaan|ingeschakeld|mogelijk|geactiveerd|stod*|stodd*|stods|stott*|stotte*|understott*|tillat*|tillgang*|tilgjeng*|tilgaengelig*|tilladt|tillatt|aktiver*|mojlig*|mulig*"},
	{isAble, "prise en charge|pris en charge|prises en charge|prennent en charge|prend en charge|en charge|prendre en charge|support*|disponible|disponibles|autoris*|permis|permise*|permet*|active|activee|actives|activees|" +
		"possible|possibles|compatible|compatibles|implement*|accept*|admet*|offre|offrent|inclut|inclus*|propose*|gere|gerent|dispose*|fournit*|fourni*|ouvert|habilite*|utilisable*|utilise*|utiliser"},
	{isAble, "soport*|suport*|supporta*|admit*|admite|dispon*|permit*|permiti*|habilit*|abilitat*|activ*|ativ*|acept*|aceit*|consent*|ammess*|autoriz*|ofre*|ofer*|offr*|inclu*|proporcion*|fornec*|fornit*|" +
		"dispost*|disposicion|compat*|puede usar|se puede|se pueden|pode ser|pode usar|contrat*|utiliz*|previst*|gestit*|gestisc*|posible|possivel|possibil*|concedid*|implantad*|usar"},
	{isAble, "サポート|対応|利用|使用|許可|提供|いただけ|ご利用|実装|有効|可能|できる|でき|設定|認め|受け付け|受付|支持|支援|允许|允許|可用|提供|开放|開放|兼容|相容|能使用|能用|使用|开启|開啟|启用|啟用|开通|開通|授权|授權|包含|权限|權限|接受|实现|實現|适用|處理|处理|" +
		"지원|제공|이용|사용|허용|가능|활성화|허가|권한|받을"},
	{isAble, "поддерж*|доступ*|разреш*|включен*|допуск*|допустим*|предоставл*|предусмотр*|реализ*|умеет|может|подтрим*|підтрим*|дозвол*|возмож*|активир*|использова*|обслуж*|совместим*|включа*|входит|предлага*|" +
		"obslug*|dostepn*|dozwol*|wspier*|wspar*|mozliw*|podpor*|povol*|dostup*|podrzan*|omogucen*|tuet*|tuett*|tue|salli*|sallittu|kaytettav*|kaytossa|mahdollis*|tamogat*|engedelyez*|elerhet*|permis*|disponibil*|suporta*|" +
		"ho tro|cho phep|kha dung|mendukung|didukung|diizinkan|tersedia|mengizinkan|مدعوم|متاح|مسموح|يدعم|تدعم|يسمح|متوفر|مفعل|समर्थित|उपलब्ध|समर्थन|अनुमति|รองรับ|อนุญาต|สามารถ|" +
		"υποστηρ*|επιτρ*|διαθεσιμ*|נתמכ|נתמך|זמינ|זמין|מותר|תומך|تمك|desteklenir|desteklenmektedir"},

	// what else errors say about streams
	{isOnly, "only|seul|seule|seules|seuls|solely|exclusively|just|nur|ausschliesslich|lediglich|alleen|uniquement|seulement|exclusivement|que en|que le|que les|qu'en|solo|solamente|unicamente|exclusivamente|somente|apenas|soltanto|esclusivamente|" +
		"только|лишь|tylko|wylacznie|pouze|jen|sadece|yalnizca|chi|hanya|endast|kun|bare|kizarolag|csak|doar|仅|仅仅|只|只能|仅能|僅|只有|فقط|केवल"},
	{isLateOnly, "のみ|だけ|限定|専用|만|전용"},
	{isMust, "must be|must use|must|requires|require|expects|expected|expecting|to be|needs|need|need to be|has to be|have to be|should be|needs to be|muss|mussen|doit etre|doivent etre|debe ser|debe|deve essere|deve ser|deve|должен|должна|" +
		"请使用|請使用|改用|请改用|必须|必須|需要|需|应为|應為|muss sein|erfordert|benotigt|exige|requiere|requer|richiede|требует*|vereist|wymaga|kraver"},
	{isNeeded, "required|mandatory|obligatory|erforderlich|obligatoire|requis|requise|obligatorio|obligatoria|necesario|obrigatorio|obbligatorio|обязател*|が必要|が必須|は必須|必要|필수|필요|強制|强制|必需|needed|verplicht|wymagan*"},
	{isAsk, "please enable|please use|please set|please turn on|please switch to|please activate|please pass|must enable|must set|must turn on|need to enable|need to use|have to use|should use|must use|must send|try enabling|try with|use the|switch to|" +
		"bitte verwenden|bitte nutzen|bitte aktivieren|bitte nutzen sie|bitte verwenden sie|veuillez utiliser|veuillez activer|utilice|use el|use o|active el|ative o|пожалуйста, используйте|используйте|включите|请使用|请开启|请启用|請使用|請開啟|" +
		"使用してください|有効にしてください|を有効|사용하세요|사용해|활성화해"},
	{isSet, "set|enable|pass|send|turn on|use|setze|setzen|definir|establecer|defina|imposta|impostare|设置|設定|设为|设定|개시|установите"},
	{isTrue, "true|wahr|vrai|verdadero|verdadeiro|vero"},
	{isFalse, "false|falsch|falso|faux"},
	{isBool, "bool|boolean|booleans|boolsch*|bools|wahrheitswert*|booleen*|booleano*|booleana|booleani|booleska|boolescher|логическ*|булев*|booleaan*|parsebool|type_bool|bool_type|bool_parsing|布尔|布林|ブール|真偽|불리언|불린|논리|mantiksal|logiczn*"},
	{isPlan, "tier|approval|allowlisting|whitelisting|allow list|entitlement|a license|opt in|enterprise|paid|premium|pro|business|verified|upgrade|higher tier|paid plan|subscription plan|dedicated"},
	{isBroken, "overload*|completed|role|roles|attachment*|document|documents|pdf|returned|finished|previous|in progress|ended|closed|failed|failure|fails|abort*|interrupt*|terminat*|timed out|timeout|time out|disconnect*|reset|broke|broken|crash*|error|errored|because|since|due to|api key|credential*|quota*|rate limit*|rate|limit|exceed*|" +
		"image|images|schema|url|file|files|insufficient|invalid|expired|malformed|corrupt*|parse|parsing|decode|decoding|but the|instead|resume|eof|" +
		"content filter*|content policy|safety|moderation|credits|credit|concurrency|stalled|lost|dropped|hung|incomplete|partial|too large|too long|unexpectedly"},
	{isBroken, "verbindung|fehler|abgebrochen|beendet|unterbrochen|fehlgeschlagen|connexion|erreur|interrompu*|conexion|interrump*|conexao|erro|errore|interrott*|连接|連接|连线|中断|中斷|断开|斷開|超时|逾時|失败|失敗|错误|錯誤|出错|结束|結束|接続|切断|終了|エラー|タイムアウト|" +
		"연결|오류|끊|соедин*|ошибк*|прерван*|разорван*|错|异常|異常|polaczen*|przerwan*|baglant*|hata"},
	{isTrying, "failed to|could not|couldn't|error while|error during|error when|error in|problem while|problem during|exception while|exception during|exception in"},
	{isIllegal, "invalid|illegal|inadmissible|ungultig|ungueltig|invalide|invalido|invalida|非法|无效|不正|неверн*|недопустим*"},
	{isCrowd, "concurrent|simultaneous|parallel|too many|number of|maximum|max|one|two|single|several|multiple|either mode|both modes|or non streaming|and non streaming|gleichzeitig*|simultan*|并发|同時|同时|동시"},
	{isPassing, "temporar*|try again|retry|later|overload*|maintenance|capacity|busy|vorubergehend|spater|temporair*|momentan*|reessay*|plus tard|intentelo|mas tarde|一時的|しばらく|再試行|暂时|稍后|重试|잠시|временно|позже|moment"},
	{isAccount, "must be verified|organization|organisation|organizations|subscription|entitle*|account|accounts|your plan|your tier|license|licence|licensed|konto|abonnement|compte|cuenta|conta|suscripcion|assinatura|vertrag|tarif|verifizier*|verifie*|verificad*|" +
		"组织|組織|账户|帐户|账号|帳戶|订阅|訂閱|套餐|认证|アカウント|プラン|契約|계정|аккаунт*|подписк*|организац*|your organization|your organisation|enterprise|premium|paid plan|workspace plan"},
	{isCombination, "tool|tools|tool call*|function|functions|function call*|json mode|json schema|json object|json output|structured|structured output*|modalit*|combined with|combination|together with|conjunction with|in combination|" +
		"werkzeug*|funktionsaufruf*|outil|outils|herramient*|ferrament*|strument*|ツール|関数|工具|函数|函數|도구|함수|инструмент*|функци*"},
	{isCombination | isParam | isKnown, "response_format|tool_choice|tool_calls|function_call|parallel_tool_calls|logprobs|top_logprobs|best_of|json_schema|json_object"},
	{isModel, "मॉडल|μοντελ*|מודל|דגם|نموذج|النموذج|mo hinh|malli*|โมเดล|model|models|modell*|modele*|modelo*|modelli|modello|模型|モデル|모델|модел*"},
	{isParam | isKnown, "temperature|top_p|top_k|seed|max_tokens|max_completion_tokens|max_output_tokens|frequency_penalty|presence_penalty|logit_bias|reasoning_effort|" +
		"parallel_tool_calls|service_tier|verbosity|modalities|web_search_options|n_predict|repetition_penalty|min_p|enable_thinking|thinking|prompt_cache_key|safety_identifier|extra_body|functions|tools"},
	{isParam, "echo|suffix|prediction"},
	{isGot, "received|found|data|output|content|event|events|connection|session|client|chunk|chunks|id|was|has been"},
	{isVersion, "api version|api versions|api_version|api-version|apiversion"},
}
