package faultllm

// Texts of services that refuse, as they are seen in the wild: classifiers read
// them, so they are literal.
const (
	noStream = "Unsupported value: 'stream' does not support true with this model. Supported values are: " +
		"false."
	notVerified = "Your organization must be verified to stream this model. Please go to the organization " +
		"settings and click on Verify Organization."
	noUsage     = "Unknown parameter: 'stream_options'."
	noTools     = "Tool and function calls do not currently support streaming"
	notBool     = "'true' is not of type 'boolean' - 'stream'"
	streamOnly  = "This model only support stream mode, please enable the stream parameter to access the model."
	noMaxTokens = "Unsupported parameter: 'max_tokens' is not supported with this model. Use " +
		"'max_completion_tokens' instead."
	noTemperature = "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default " +
		"(1) value is supported."
	noSummaries = "Your organization must be verified to generate reasoning summaries. Please go to the " +
		"organization settings and click on Verify Organization."
	tooLong = "This model's maximum context length is 8192 tokens. However, your messages resulted in " +
		"9001 tokens. Please reduce the length of the messages."
	azureRate = "Requests to the ChatCompletions operation have exceeded the call rate limit of your " +
		"current pricing tier. Please retry after 1 second."
	openaiRate   = "Rate limit reached for this model on requests per min. Please try again in 1s."
	noQuota      = "You exceeded your current quota, please check your plan and billing details."
	noDeployment = "The API deployment for this resource does not exist. If you created the deployment " +
		"within the last 5 minutes, please wait a moment and try again."
	azureKey = "Access denied due to invalid subscription key or wrong API endpoint. Make sure to " +
		"provide a valid key for an active subscription and use a correct regional API endpoint " +
		"for your resource."
	noParse          = "upstream returned an unparseable body: expected value at line 1 column 1"
	azureServerError = "The server had an error while processing your request. Sorry about that!"
	serverError      = "The server had an error processing your request. Sorry about that! You can retry your " +
		"request, or contact us if the error persists."
)

// promptBlocked is Azure's answer to a prompt its filter stopped.
const promptBlocked = `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy. ` +
	`Please modify your prompt and retry.","type":null,"param":"prompt","code":"content_filter","status":400,` +
	`"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":false,"severity":"safe"},` +
	`"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":true,"severity":"medium"}}}}}`

// Events of streams that fail.
const (
	midError     = `{"error":{"message":"The model produced no more output.","type":"server_error","param":null,"code":"model_error"}}`
	noToolStream = `{"error":{"object":"error","message":"Tool calling is not supported in streaming mode!","type":"BadRequestError","code":400}}`
	flatError    = "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"The stream failed\",\"param\":null}\n\n"
	fieldError   = "error: {\"code\":500,\"message\":\"slot unavailable\",\"type\":\"server_error\"}\n\n"
)
