package capture

// KnownHosts returns the LLM hosts that are intercepted by default; each name
// covers its subdomains. They are also the authority's name constraints, which
// is why regional names are listed one by one instead of permitting a whole
// cloud.
func KnownHosts() []HostPort {
	names := []string{
		"api.openai.com",
		"openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com", "inference.ai.azure.com",
		"models.ai.azure.com", "azure-api.net", "openai.azure.us", "openai.azure.cn",
		"api.anthropic.com", "generativelanguage.googleapis.com", "aiplatform.googleapis.com", "aiplatform.us.rep.googleapis.com",
		"aiplatform.eu.rep.googleapis.com",
		"api.groq.com", "api.mistral.ai", "api.cohere.com", "api.cohere.ai", "api.deepseek.com", "api.x.ai",
		"api.perplexity.ai", "openrouter.ai", "api.together.xyz", "api.together.ai", "api.fireworks.ai",
		"router.huggingface.co", "api-inference.huggingface.co", "api.moonshot.ai", "api.cerebras.ai", "ollama.com",
	}
	for _, r := range []string{
		"us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west4", "europe-west1",
		"europe-west2", "europe-west3", "europe-west4", "europe-west6", "europe-west8", "europe-west9", "europe-north1",
		"europe-central2", "europe-southwest1", "asia-east1", "asia-northeast1", "asia-northeast3", "asia-south1",
		"asia-southeast1", "australia-southeast1", "southamerica-east1", "northamerica-northeast1", "me-west1", "me-central1",
	} {
		names = append(names, r+"-aiplatform.googleapis.com")
	}
	for _, r := range []string{
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2",
		"eu-west-3", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "ap-south-1", "ap-south-2",
		"ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
		"me-central-1", "il-central-1", "us-gov-west-1", "us-gov-east-1",
	} {
		names = append(names, "bedrock-runtime."+r+".amazonaws.com", "bedrock-runtime-fips."+r+".amazonaws.com")
	}
	out := make([]HostPort, len(names))
	for i, n := range names {
		out[i] = HostPort{Host: n}
	}
	return out
}
