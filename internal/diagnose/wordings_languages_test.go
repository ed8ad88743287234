package diagnose_test

import "testing"

// Refusals in more words of more languages.
func TestStreamRefusedInMoreLanguages(t *testing.T) {
	classify(t, said(
		// German
		"Streaming ist auf diesem Gateway nicht verfügbar.",
		"Streaming ist für diese Ressource gesperrt",
		"Für Ihre Organisation ist Streaming nicht freigegeben",
		"Die Option \"stream\" wird nicht unterstuetzt",
		"Der Parameter 'stream' wird von diesem Modell nicht unterstützt",
		"Das Streamen von Antworten ist nicht erlaubt",
		"Streaming ist aus Sicherheitsgründen deaktiviert",
		"stream=true ist hier nicht zulässig",
		"Dieses Deployment kann nicht streamen.",
		"Streaming wird derzeit leider noch nicht angeboten",
		"Das Gateway lässt kein Streaming zu",
		"Kein Streaming möglich",
		"Anfragen mit Streaming sind verboten.",
		"Bitte verwenden Sie Anfragen ohne Streaming",
		"SSE wird nicht unterstützt",
		// French
		"Le streaming n'est pas supporté",
		"Le streaming est désactivé pour cette clé",
		"Le mode streaming n'est pas autorisé par votre organisation",
		"Ce point de terminaison ne permet pas le streaming.",
		"Cette ressource n’accepte pas le streaming",
		"Le paramètre « stream » n'est pas pris en charge",
		"Votre abonnement n'inclut pas le streaming",
		"Impossible d'utiliser le streaming : fonction non disponible",
		"Les réponses en flux continu ne sont pas disponibles",
		"La passerelle interdit le streaming",
		"Aucun streaming disponible sur ce modèle",
		// Spanish
		"El streaming no está disponible para este modelo",
		"El streaming está desactivado por el administrador",
		"El parámetro stream no es compatible con este modelo",
		"El parámetro 'stream' no está permitido",
		"La transmisión en tiempo real no está permitida",
		"Su plan no incluye streaming",
		"Este modelo no soporta streaming.",
		"No se admite el modo streaming",
		"Streaming no soportado",
		"Streaming no permitido en esta puerta de enlace",
		"Deshabilite el streaming e inténtelo con stream=false",
		"La organización no tiene habilitado el streaming",
		// Portuguese
		"O streaming não está disponível nesta região",
		"Streaming não permitido",
		"O modelo não oferece suporte a streaming",
		"Este modelo não é compatível com streaming",
		"O parâmetro stream não é suportado",
		"Streaming desativado pelo administrador",
		"Seu plano não inclui streaming",
		// Italian
		"Lo streaming non è disponibile per questo modello",
		"Lo streaming è disabilitato",
		"Il parametro stream non è supportato",
		"Streaming non consentito",
		"Questo modello non è compatibile con lo streaming",
		"Il tuo piano non include lo streaming",
		// Dutch, Scandinavian, Finnish
		"Dit model ondersteunt geen streaming",
		"Streaming is niet toegestaan",
		"Streaming is uitgeschakeld",
		"De parameter stream wordt niet ondersteund",
		"Strömning stöds inte",
		"Modellen stöder inte streaming",
		"Streaming är inaktiverad... avaktiverad av administratören",
		"Streaming understøttes ikke",
		"Streaming støttes ikke av denne modellen",
		"Malli ei tue suoratoistoa",
		// Slavic
		"Стриминг не поддерживается",
		"Эта модель не поддерживает потоковую передачу",
		"Потоковый режим недоступен для вашей организации",
		"Потоковые ответы запрещены политикой",
		"Параметр stream не поддерживается",
		"Режим stream отключён",
		"Ten model nie obsługuje strumieniowania, tryb strumieniowy nie jest obsługiwany",
		"Strumieniowanie jest wyłączone",
		"Parametr stream nie jest obsługiwany",
		"Tento model nepodporuje streamování",
		"Цей режим stream не підтримується",
		// Turkish, Arabic, Hindi, Vietnamese, Thai, Indonesian, Greek, Hebrew
		"Akış desteklenmiyor",
		"Bu model streaming desteklemiyor",
		"stream parametresi desteklenmemektedir",
		"خاصية streaming غير مدعومة لهذا النموذج",
		"यह मॉडल streaming का समर्थन नहीं करता",
		"Không hỗ trợ streaming cho mô hình này",
		"โมเดลนี้ไม่รองรับ streaming",
		"Streaming tidak didukung",
		"Streaming tidak tersedia untuk model ini",
		"Το streaming δεν υποστηρίζεται",
		"streaming אינו נתמך",
		// Japanese
		"ストリーミングは現在サポートされていません",
		"このエンドポイントではストリーミングはご利用いただけません",
		"ストリーミングは無効になっています",
		"streaming はサポートされていません",
		"stream=true は使用できません",
		"stream オプションには対応しておりません",
		"SSE は利用不可です",
		"ストリーム応答は禁止されています",
		"お使いのプランではストリーミングをご利用いただけません",
		"ストリーミングをオフにしてください",
		"非ストリーミングのみ対応しています",
		"このモデルはストリーミング非対応です",
		// Chinese
		"不支持流式",
		"当前部署不支持流式响应",
		"模型暂不支持流式输出",
		"您的账户没有开通流式权限",
		"网关已禁用 SSE",
		"流式输出已停用",
		"流式传输功能未启用",
		"该接口不允许 stream=true",
		"参数 stream 不支持",
		"stream 参数必须为 false",
		"请关闭流式输出后重试",
		"该网关只支持非流式请求",
		"串流功能尚未啟用",
		"此模型無法使用串流",
		// Korean
		"스트리밍은 지원되지 않습니다",
		"스트리밍을 사용할 수 없습니다",
		"이 모델에서는 스트리밍이 허용되지 않습니다",
		"stream 매개변수는 지원되지 않습니다",
		"스트리밍 기능이 비활성화되어 있습니다",
		"SSE는 지원하지 않습니다",
		"현재 요금제에서는 스트리밍을 이용할 수 없습니다",
	), asked)
}

// The flag's type, in more words.
func TestFlagRefusedInMoreWords(t *testing.T) {
	rows := said(
		"stream: value must be a boolean",
		"Field 'stream' expects a boolean value",
		"'stream' must be of type bool, got str",
		"stream: expected bool, received string",
		"Expected boolean, received string at \"stream\"",
		"json: cannot unmarshal string into Go struct field ChatCompletionRequest.stream of type bool",
		"Cannot deserialize value of type `boolean` from String \"yes\" (through reference chain: ChatRequest[\"stream\"]): only \"true\" or \"false\" recognized",
		"invalid type: string \"true\", expected a boolean for key `stream`",
		"stream: Input should be a valid boolean, unable to interpret input",
		"Invalid value for 'stream': must be true or false",
		"stream must be one of: true, false",
		"\"stream\" must be either true or false",
		"1 validation error for Request: stream value could not be parsed to a boolean",
		"Invalid type for parameter stream, value: true, type: <class 'str'>, valid types: <class 'bool'>",
		"$.stream: string found, boolean expected",
		"property 'stream' is of wrong type: boolean required",
		"Der Parameter stream muss ein boolescher Wert sein (boolean)",
		"Das Feld stream erwartet einen Wahrheitswert",
		"Le paramètre stream doit être un booléen",
		"El valor de stream debe ser booleano",
		"O campo stream deve ser booleano",
		"Il campo stream deve essere un booleano",
		"Параметр stream должен быть логическим",
		"stream 参数类型错误，应为布尔值",
		"stream パラメータはブール値でなければなりません",
		"stream 매개변수는 불리언이어야 합니다",
	)
	for i := range rows {
		rows[i].class = "stream_flag_invalid"
	}
	classify(t, rows, asked)
}

// stream_options in other words.
func TestOptionRefusedInMoreWords(t *testing.T) {
	rows := said(
		"Unrecognized request argument supplied: stream_options",
		"'stream_options' is not a valid parameter",
		"Extra inputs are not permitted: stream_options",
		"stream_options: Extra inputs are not permitted",
		"Unknown field: streamOptions",
		"Unsupported parameter: \"stream_options\"",
		"Additional properties are not allowed ('stream_options' was unexpected)",
		"property 'stream_options' is unsupported",
		"json: unknown field \"stream_options\"",
		"body -> stream_options -> include_usage: not permitted",
		"include_usage is not supported",
		"Unknown name \"stream_options\": Cannot find field.",
		"The stream options are not supported by this deployment",
		"Der Parameter stream_options wird nicht unterstützt",
		"Le paramètre stream_options n'est pas reconnu",
		"El parámetro stream_options no está permitido",
		"参数 stream_options 不支持",
		"stream_options はサポートされていません",
		"stream_options 는 지원되지 않습니다",
	)
	for i := range rows {
		rows[i].class = "stream_option_rejected"
	}
	classify(t, rows, asked, key("stream_options"))
}
