package diagnose_test

import (
	"testing"

	"llmtap/internal/call"
)

// said is a bare error message.
func said(messages ...string) []answer {
	var out []answer
	for _, m := range messages {
		out = append(out, answer{name: m, status: 400, e: bare(m), class: "stream_unsupported"})
	}
	return out
}

// Refusals in words that no list of cases holds.
func TestStreamRefusedInEnglish(t *testing.T) {
	classify(t, said(
		"This model doesn't support streaming.",
		"Streaming isn’t supported by this endpoint",
		"Streaming is not enabled for your deployment. Contact your administrator.",
		"Streaming has been disabled by policy",
		"Streamed responses are not available on this gateway",
		"stream=true is not permitted for this route",
		"Server-sent events are off here: streaming is not possible behind this gateway",
		"The requested mode (stream) is not implemented",
		"Model m-1.5-large does not yet support streaming output",
		"Streaming for model claude-3.5-sonnet in region eu-west-1 is currently not supported",
		"Requests to this deployment must be non-streaming",
		"Only non-streaming requests are accepted by this proxy",
		"Please set stream to false",
		"Please set `stream` to `false` for this model",
		"stream must be false",
		"'stream' should be set to false",
		"Please disable streaming and send the request again",
		"This deployment cannot be streamed",
		"The model cannot stream.",
		"This API has no streaming support",
		"There is no support for streaming on this tier",
		"Unrecognized request argument supplied: stream",
		"Unexpected field 'stream'",
		"stream: extra inputs are not permitted",
		"Streaming access denied",
		"Streaming is blocked for this key",
		"Streaming unavailable",
		"Streaming is prohibited for this subscription",
		"text/event-stream responses are fine elsewhere, but streaming is forbidden here",
		"SSE is not supported by this API gateway",
		"Server-sent events are not available for this model",
		"The 'stream' option must be omitted",
		"stream must not be true",
		"Parameter stream=true rejected: feature not licensed",
		"Streaming is only available on the Enterprise plan",
		"Streaming mode requires an enterprise subscription",
		"You do not have access to streaming on this deployment",
		"You don't have permission to use streaming",
		"Additional properties are not allowed ('stream' was unexpected)",
		"Kindly remove stream from the body",
		"stream is present in the body, please remove it",
		"Streaming functionality has not been turned on for this workspace",
		"This resource only serves complete responses; streaming is unsupported",
		"We do not offer streaming for o1 models",
		"Use of the stream flag is disallowed in this environment",
		"The streaming API is not part of your plan",
		"stream: true is invalid for this deployment",
		"Invalid value: stream=true. Allowed: false",
		"Value true for stream is not accepted",
		"Streaming completions were switched off by your administrator",
		"For compliance reasons streamed output may not be used",
		"stream=True unsupported",
		"o1-pro is not available with stream",
		"Responses can only be delivered in one piece; stream must not be set",
		"The gateway rejects streaming requests",
		"We currently only accept stream=false",
		"Streaming is off for this deployment",
		"Stream support is missing in this region",
		"SSE responses are not enabled on this proxy",
		"Batch-only deployment: streaming not possible",
		`{"detail": "Streaming is not supported"}`,
		`Upstream error: "Streaming is not supported by this model"`,
		`"Streaming is not supported by this server"`,
		"Error code: 400 - {'error': {'message': 'This model does not support streaming', 'code': None}}",
	), asked)
}

func TestStreamRefusedInOtherLanguages(t *testing.T) {
	classify(t, said(
		// German
		"Streaming wird für dieses Modell nicht unterstützt.",
		"Dieses Modell unterstützt kein Streaming",
		"Dieses Modell unterstützt Streaming derzeit nicht.",
		"Gestreamte Antworten sind in dieser Umgebung deaktiviert",
		"Streaming-Antworten sind nicht verfügbar",
		"Der Streamingmodus ist für Ihr Konto nicht freigeschaltet.",
		"Das Modell kann nicht streamen",
		"Streaming ist nicht erlaubt",
		"Es sind nur Nicht-Streaming-Anfragen zulässig",
		"Streaming steht für diese Bereitstellung nicht zur Verfügung",
		"Ihr Tarif enthält kein Streaming",
		"Keine Streaming-Unterstützung",
		// French
		"Le streaming n'est pas pris en charge par ce modèle.",
		"Le streaming n’est pas disponible pour cette ressource",
		"Ce modèle ne prend pas en charge le streaming",
		"Ce modèle ne supporte pas le mode stream",
		"La diffusion en continu est désactivée",
		"Mode flux non autorisé",
		"Réponses en streaming non supportées",
		"Le streaming est indisponible pour ce déploiement",
		"Veuillez désactiver le streaming",
		// Spanish, Portuguese, Italian
		"El streaming no está soportado por este modelo.",
		"Este modelo no admite streaming",
		"Este modelo no es compatible con el streaming",
		"La transmisión está deshabilitada para este despliegue",
		"No se permite la transmisión en este recurso",
		"El modo stream no está disponible",
		"Desactive el streaming para este modelo",
		"No se puede usar streaming con esta clave",
		"Despliegue sin soporte para streaming",
		"O streaming não é suportado por este modelo",
		"Este modelo não suporta streaming",
		"O streaming está desabilitado",
		"Lo streaming non è supportato da questo modello",
		"Questo modello non supporta lo streaming",
		// Dutch, Swedish, Norwegian, Polish, Czech, Russian, Turkish
		"Streaming wordt niet ondersteund",
		"Streaming är inte tillåtet",
		"Streaming stöds inte av denna modell",
		"Strømming er ikke tilgjengelig",
		"Przesyłanie strumieniowe nie jest obsługiwane",
		"Streamování není podporováno",
		"Потоковая передача не поддерживается этой моделью",
		"Стриминг отключен администратором",
		"Bu model için streaming desteklenmiyor",
		"Эта модель не умеет стримить",
		"Потокова передача не підтримується",
		"A streamelés nem támogatott",
		"Streaming-ul nu este suportat de acest model",
		"Suoratoistoa ei tueta",
		"Η ροή δεν υποστηρίζεται",
		// Japanese, Chinese, Korean
		"このモデルはストリーミングをサポートしていません",
		"ストリーミングはこのデプロイでは利用できません",
		"ストリーミング応答は無効です",
		"ストリーム出力には対応していません。",
		"stream パラメータは許可されていません",
		"ストリーミングを無効にしてください",
		"ストリーミング機能は提供しておりません",
		"ストリーミングは許可されておりません",
		"该模型不支持流式输出",
		"当前模型不支持stream模式",
		"不允许使用流式传输",
		"流式调用未开通",
		"此部署已禁用流式响应",
		"请使用非流式请求",
		"仅支持非流式调用",
		"本接口暂不支持 SSE",
		"流式返回功能尚未开放",
		"流式已被管理员关闭",
		"stream 只能为 false",
		"該模型不支援串流",
		"이 모델은 스트리밍을 지원하지 않습니다",
		"스트리밍이 비활성화되었습니다",
		// In other words
		"Streaming deaktiviert",
		"Streaming-Ausgabe wird von dieser Schnittstelle nicht angeboten",
		"Bitte stream auf false setzen",
		"Das Feld 'stream' ist nicht zulässig",
		"Gestreamte Anfragen werden abgelehnt",
		"Le mode streaming n'est pas activé sur votre compte",
		"Le flux continu n'est pas autorisé pour ce modèle",
		"Ce déploiement n'accepte pas les requêtes en streaming",
		"El modelo no soporta respuestas en streaming",
		"La opción stream no está habilitada",
		"No está permitido el uso de streaming",
		"ストリーミングはご利用になれません",
		"ストリーミング出力は未サポートです",
		"このモデルではストリーミングを使用することができません",
		"此接口不支持 SSE 流式返回",
		"流式模式不可用",
		"该账号无权使用流式接口",
		"当前部署仅支持一次性返回，不支持流式",
		"스트리밍 사용이 금지되어 있습니다",
		"Der Parameter stream darf nicht true sein",
		"Für dieses Modell steht Streaming leider nicht bereit",
		"Streaming wurde vom Administrator abgeschaltet",
		"Le paramètre stream doit être false",
		"Cette API n'offre pas de streaming",
		"El parámetro stream debe ser false",
		"El despliegue no ofrece respuestas en streaming",
		"ストリーミング モードは現在ご利用いただけません",
		"stream には false を指定してください",
		"ストリーミングに対応していないモデルです",
		"このAPIはストリーム配信をサポート対象外としています",
		"抱歉，流式接口已下线",
		"请将 stream 设置为 false",
		"暂时无法使用流式输出",
		"該部署不允許使用串流回應",
		"您没有使用流式输出的权限",
		"스트리밍 기능은 제공되지 않습니다",
		"Стриминг для этой модели выключен",
		"Esta implementação não aceita stream=true",
		"Il parametro stream non può essere true",
		"Streaming nie jest wspierany",
		// Arabic, Hindi, Vietnamese, Indonesian
		"البث غير مدعوم لهذا النموذج",
		"स्ट्रीमिंग समर्थित नहीं है",
		"Mô hình này không hỗ trợ streaming",
		"Model ini tidak mendukung streaming",
	), asked)
}

func TestStreamRefusedByCode(t *testing.T) {
	codes := []string{
		"streaming_disabled", "StreamNotAllowed", "STREAMING_NOT_SUPPORTED", "stream_unsupported", "unsupported_stream",
		"StreamingDisabledForDeployment", "streaming-forbidden", "no_streaming", "stream_not_enabled", "DisableStreaming",
		"ERR_STREAM_DENIED", "UnsupportedStreaming", "StreamModeNotSupported",
	}
	var rows []answer
	for _, code := range codes {
		rows = append(rows, answer{code, 403, call.Error{Shape: call.ShapeOpenAI, Code: code, Message: "Request refused."}, "stream_unsupported", "gateway"})
	}
	rows = append(rows, answer{"only the type", 400, call.Error{Shape: call.ShapeFlat, Type: "streaming_not_supported_error", Message: "no"}, "stream_unsupported", ""})
	classify(t, rows, asked)
}

// Codes about a stream that are no refusal of streams.
func TestCodesThatOnlySoundLikeIt(t *testing.T) {
	var rows []answer
	for _, code := range []string{
		"stream_not_found", "stream_error", "stream_timeout", "stream_limit_not_allowed", "upstream_not_available", "stream_closed",
		"invalid_stream_id", "stream_read_error", "no_upstream", "downstream_disabled", "stream_interrupted",
	} {
		rows = append(rows, answer{code, 400, call.Error{Shape: call.ShapeOpenAI, Code: code, Message: "Request refused."}, "request_rejected", ""})
	}
	classify(t, rows, asked)
}

// A passing trouble of streams is no refusal; with a client error it is.
func TestPassingTroubleIsNoRefusal(t *testing.T) {
	const busy = "Streaming is temporarily not available, please try again later"
	classify(t, []answer{
		{"503", 503, openai(busy, "", ""), "provider_error", "overloaded"},
		{"429", 429, openai(busy, "", ""), "rate_limited", ""},
		{"400", 400, openai(busy, "", ""), "stream_unsupported", ""},
		{"lasting 503", 503, openai("Streaming is not supported", "", ""), "stream_unsupported", ""},
	}, asked)
}

// The same words to a plain request are no refused stream.
func TestRefusalsNeedAStream(t *testing.T) {
	rows := said("Streaming is not supported by this model", "该模型不支持流式输出", "Le streaming n'est pas pris en charge")
	for i := range rows {
		rows[i].class = "request_rejected"
	}
	classify(t, rows)
}

func TestPlainRefused(t *testing.T) {
	rows := said(
		"This model only supports streaming.",
		"Streaming is required for this model",
		"This endpoint requires streaming",
		"You must use streaming with this model",
		"Non-streaming requests are not supported",
		"non streaming calls are currently disabled",
		"Please set stream to true",
		"stream=true is missing: please set stream=true",
		"The model is only available via streaming",
		"Dieses Modell ist nur im Streaming-Modus verfügbar",
		"Ce modèle est uniquement disponible en streaming",
		"Este modelo solo admite streaming",
		"该模型仅支持流式输出",
		"此模型只支持流式调用",
		"不支持非流式请求",
		"このモデルはストリーミングのみ対応しています",
		"이 모델은 스트리밍만 지원합니다",
		"Эта модель доступна только в потоковом режиме",
	)
	for i := range rows {
		rows[i].class = "plain_unsupported"
	}
	rows = append(rows,
		answer{"code stream_required", 400, openai("no", "stream_required", ""), "plain_unsupported", ""},
		answer{"code StreamingOnly", 400, openai("no", "StreamingOnly", ""), "plain_unsupported", ""},
		answer{"code non_streaming_not_supported", 400, openai("no", "non_streaming_not_supported", ""), "plain_unsupported", ""},
		answer{"quoted", 400, bare(`Rejected: "this model only supports streaming responses"`), "request_rejected", ""},
		answer{"streaming is optional", 400, bare("messages is empty; streaming is optional"), "request_rejected", ""},
	)
	classify(t, rows)
}

func TestReasonOfARefusal(t *testing.T) {
	for message, want := range map[string]string{
		"Your organization must be verified to stream":                        "account",
		"Streaming is not included in your subscription":                      "account",
		"Streaming ist für Ihr Konto nicht freigeschaltet":                    "account",
		"您的账户未开通流式输出":                                                         "account",
		"Structured outputs do not support streaming":                         "combination",
		"logprobs are not supported with streaming":                           "combination",
		"Streaming together with tools is not supported":                      "combination",
		"Streaming mit Werkzeugen (Werkzeugaufruf) wird nicht unterstützt":    "combination",
		"使用工具时不支持流式输出":                                                        "combination",
		"Streaming is not supported for this model":                           "model",
		"Le streaming n'est pas pris en charge par ce modèle":                 "model",
		"该模型不支持流式输出":                                                          "model",
		"Streaming is not supported here":                                     "gateway",
		"Streaming requests are not yet allowed":                              "gateway",
		"Requests through this proxy must be non-streaming, please try again": "gateway",
	} {
		classify(t, []answer{{message, 400, bare(message), "stream_unsupported", want}}, asked)
	}
}
