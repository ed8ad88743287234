package faultllm

import (
	"net/http"
	"time"
)

// gatewayRows are answers of status 500 and above, and of what stands in front.
func gatewayRows() []row {
	return append(streamOnlyRows(), []row{
		onBoth("e500-apim", "500 {statusCode, message, activityId} of a gateway", "gateway_error_opaque", opaque),
		onBoth("e500-apim-own", "the same of Azure's own front, with x-ms-region", "provider_error",
			opaqueOwn).because("internal").of(APIAzure),
		onBoth("e500-openai", "500 of the model service", "provider_error",
			refuse(500, openaiError(serverError, "server_error", "", ""))).because("internal").also("err500"),
		onBoth("flaky-500", "500 twice, then healthy, and again", "provider_error",
			flaky(3, refuse(500, openaiError(serverError, "server_error", "", "")))).because("internal"),
		onBoth("e529", "529 overloaded_error", "provider_error",
			refuse(529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)).
			because("overloaded"),
		onBoth("html-login", "200 with a login page", "non_api_response",
			gateway(200, typeHTML, page("Sign in", `<form action="/login" method="post"><input type="password" name="password"></form>`))).
			because("login_page").also("html200"),
		onBoth("redirect-302", "302 to a login page", "non_api_response", redirect).because("redirect"),
		onBoth("proxy-407", "407 of a proxy on the way", "non_api_response", proxyAuth).because("proxy_auth"),
		onBoth("html-524", "524 with a web page at 125 s", "gateway_timeout",
			after(125*time.Second, gateway(524, typeHTML, page("524: A timeout occurred", "The origin web server timed out responding to this request.")))).
			lasting(125 * time.Second),
		onBoth("to-504", "504 text at 60 s", "gateway_timeout",
			after(60*time.Second, gateway(504, typeText, "upstream request timeout"))).lasting(60 * time.Second),
		onBoth("to-502-fast", "502 with a web page at 0.2 s", "gateway_error_opaque",
			after(200*time.Millisecond, gateway(502, typeHTML, page("502 Bad Gateway", "nginx")))).
			lasting(200 * time.Millisecond).also("html502"),
		onBoth("hdr-timeout", "no headers for 330 s", "first_byte_timeout",
			after(330*time.Second, healthy)).leaving("at 300 s, without an answer").lasting(330 * time.Second),
	}...)
}

// streamOnlyRows fail streamed calls without saying why; plain ones work.
func streamOnlyRows() []row {
	return []row{
		onStream("stream-500-apim", "jupyter-ai#1208: an API gateway answers streams with an opaque 500", "gateway_error_opaque",
			opaque),
		onStream("stream-500-apim-own", "the same body from Azure's own front", "provider_error",
			opaqueOwn).because("internal").also("nostream_apim"),
		onStream("stream-500-openai", "500 of OpenAI's shape", "provider_error",
			refuse(500, openaiError(serverError, "server_error", "", ""))).because("internal"),
		onStream("stream-500-azure", "500 of Azure's shape", "provider_error",
			azureInternal).because("internal").also("nostream500"),
		onStream("stream-502-decode", "502: the gateway could not parse the stream", "provider_error",
			gateway(502, typeJSON, openaiError(noParse, "upstream_decode_error", "", ""))).because("internal"),
		onStream("middleware-400", "400 of an authorization middleware that cannot stream", "request_rejected",
			middleware),
	}
}

// after waits before the headers.
func after(d time.Duration, p play) play {
	return func(x *exchange) {
		if !x.pause(d) {
			abort()
		}
		p(x)
	}
}

func opaque(x *exchange) {
	x.reply(http.StatusInternalServerError, typeJSON, apimError(x, "500", "Internal server error"))
}

func opaqueOwn(x *exchange) {
	x.azureHeaders()
	opaque(x)
}

func azureInternal(x *exchange) {
	x.azureHeaders()
	body := azureError("InternalServerError", azureServerError)
	x.reply(http.StatusInternalServerError, typeJSON, x.translated(http.StatusInternalServerError, body))
}

func middleware(x *exchange) {
	x.reply(http.StatusBadRequest, typeJSON, `{"requestid":`+quote(x.uuid("request"))+
		`,"status":"Cannot access a closed Stream.","errortype":"Authorization Middleware Error"}`)
}

func redirect(x *exchange) {
	x.w.Header().Set("Location", "/login")
	gateway(http.StatusFound, typeHTML, page("302 Found", "Sign in first."))(x)
}

func proxyAuth(x *exchange) {
	x.w.Header().Set("Proxy-Authenticate", `Basic realm="corporate proxy"`)
	gateway(http.StatusProxyAuthRequired, typeHTML, page("407 Proxy Authentication Required", "Ask your administrator."))(x)
}
