package faultllm

import (
	"net/http"
	"strings"
)

// pathRows are wrong addresses, keys and quotas.
func pathRows() []row {
	return []row{
		onBoth("nf-resource", "404 as for a path without /openai/deployments/", "endpoint_not_found",
			refuse(404, azureError("404", "Resource not found"))).because("missing_deployments_segment").of(APIOpenAI),
		onBoth("nf-deployment", "404: deployment or model unknown", "endpoint_not_found",
			unknownDeployment).because("deployment_unknown").of(APIAzure),
		onBoth("nf-doubled", "404, as every path with /openai/v1/openai/deployments/ gets", "endpoint_not_found",
			gateway(404, typeJSON, azureError("404", "Resource not found"))).because("doubled_path").of(APIAzure),
		onBoth("nf-html", "404 with a web page", "endpoint_not_found",
			gateway(404, typeHTML, page("404 Not Found", "The page you are looking for is not here."))).because("html_404"),
		onBoth("auth-401", "401; OpenAI's text echoes part of the key", "auth_rejected", wrongKey).because("key"),
		onBoth("auth-echo", "401 of a gateway that echoes the whole key", "auth_rejected", echoKey).because("key"),
		onStream("auth-iam", "403: no right to InvokeModelWithResponseStream", "auth_rejected",
			gateway(403, typeJSON, `{"message":"User owl is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource owl-model"}`)).
			because("stream_permission"),
		onBoth("rate-429", "429 with Retry-After", "rate_limited", tooMany).because("rate").also("err429"),
		onBoth("rate-quota", "429: quota used up", "rate_limited",
			refuse(429, openaiError(noQuota, "insufficient_quota", "", "insufficient_quota"))).because("quota"),
	}
}

// page is a small web page.
func page(title, text string) string {
	return "<!DOCTYPE html>\n<html><head><title>" + title + "</title></head>\n<body><h1>" + title + "</h1><p>" + text + "</p></body></html>\n"
}

func unknownDeployment(x *exchange) {
	body := openaiError("The model `"+x.ask.model+"` does not exist or you do not have access to it.", "invalid_request_error", "", "model_not_found")
	if x.ask.azure {
		body = azureError("DeploymentNotFound", noDeployment)
	}
	refuse(http.StatusNotFound, body)(x)
}

// key returns the caller's secret; of a signed request, whose signature changes
// with the time, the access key's id.
func key(x *exchange) string {
	for _, name := range []string{"Api-Key", "X-Api-Key", "X-Goog-Api-Key"} {
		if k := x.r.Header.Get(name); k != "" {
			return k
		}
	}
	auth := x.r.Header.Get("Authorization")
	if _, credential, ok := strings.Cut(auth, "Credential="); ok {
		id, _, _ := strings.Cut(credential, "/")
		return id
	}
	return strings.TrimPrefix(auth, "Bearer ")
}

func wrongKey(x *exchange) {
	body := openaiError("Incorrect API key provided: "+masked(key(x))+". You can find your API key in the account settings.", "invalid_request_error", "", "invalid_api_key")
	if x.ask.azure {
		body = azureError("401", azureKey)
	}
	x.w.Header().Set("WWW-Authenticate", `Bearer realm="OpenAI API"`)
	refuse(http.StatusUnauthorized, body)(x)
}

// masked shows the first eight and the last four characters, as services do.
func masked(key string) string {
	if len(key) < 16 {
		return strings.Repeat("*", len(key))
	}
	return key[:8] + strings.Repeat("*", len(key)-12) + key[len(key)-4:]
}

func echoKey(x *exchange) {
	gateway(http.StatusUnauthorized, typeJSON, `{"message":`+quote("Key "+key(x)+" is not known here.")+`}`)(x)
}
