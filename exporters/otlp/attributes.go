package otlp

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"llmtap/internal/call"
)

// attributes are all of an attempt's attributes but its contents and headers.
func attributes(r *call.Record) attrs {
	a := make(attrs, 0, 96)
	genAI(&a, r)
	provider(&a, r)
	network(&a, r)
	identity(&a, r)
	client(&a, r)
	request(&a, r)
	response(&a, r)
	failure(&a, r)
	stream(&a, r)
	ending(&a, r)
	return a
}

func provider(a *attrs, r *call.Record) {
	switch r.Target.Format {
	case "openai.chat":
		a.str(openaiAPI, "chat_completions")
	case "openai.responses":
		a.str(openaiAPI, "responses")
	}
	if strings.HasPrefix(r.Target.Format, "openai.") { // others have tiers too
		a.str(openaiTier, r.Response.ServiceTier)
		a.str(openaiFingerprint, r.Response.Fingerprint)
	}
	if !strings.HasPrefix(r.Target.Provider, "azure.") {
		return
	}
	a.str(azureNamespace, "Microsoft.CognitiveServices")
	id := r.Response.Header("apim-request-id")
	if id == "" {
		id = r.Response.Header("x-request-id")
	}
	a.str(azureRequestID, id)
	a.str(azureDeployment, r.Target.Deployment)
	a.str(azureAPIVersion, r.Target.APIVersion)
}

func network(a *attrs, r *call.Record) {
	a.str(httpMethod, r.Request.Method)
	a.positive(httpStatus, int64(r.Response.Status))
	a.positive(httpResend, int64(r.Identity.Attempt-1))
	a.str(serverAddress, r.Target.Host)
	a.positive(serverPort, int64(r.Target.Port))
	a.str(urlFull, r.Request.URL)
	a.str(urlScheme, r.Target.Scheme)
	a.str(urlPath, r.Request.Path)
	if r.Request.HTTP != "" {
		a.str(protocolName, "http")
		a.str(protocolVersion, r.Request.HTTP)
	}
	if host, port, err := net.SplitHostPort(r.Agent.PeerAddress); err == nil {
		a.str(peerAddress, host)
		if n, err := strconv.ParseUint(port, 10, 16); err == nil {
			a.positive(peerPort, int64(n))
		}
	}
	a.str(userAgent, fit(r.Client.UserAgent, 256))
	a.str(clientAddress, r.Client.Address)
	a.num(httpRequestSize, r.Request.Bytes)
	a.num(httpResponseSize, r.Response.Body.Bytes)
}

func identity(a *attrs, r *call.Record) {
	a.str(callID, r.Identity.Logical)
	a.num(attemptNumber, int64(max(1, r.Identity.Attempt)))
	a.str(observationPoint, "proxy")
	a.known(captureMode, r.Agent.Mode.String())
	a.yes(captureTruncated, r.Agent.Capture == call.CaptureTruncated)
}

func client(a *attrs, r *call.Record) {
	c := r.Client
	a.str(clientKind, c.Kind.String())
	a.str(clientSurface, orUnknown(c.Surface))
	a.str(clientName, orUnknown(c.Name))
	a.str(clientVersion, c.Version)
	a.str(clientFramework, c.Framework)
	a.str(clientSDK, c.SDK)
	a.str(clientSDKVersion, c.SDKVersion)
	if async := r.Request.Hints.Header("x-stainless-async"); async != "" {
		a.flag(clientAsync, async != "false") // else "async:asyncio" and the like
	}
	a.str(clientRule, orUnknown(c.Rule))
	a.known(hubUser, c.User)
}

func orUnknown(v string) string {
	if v == "" {
		return "unknown"
	}
	return v
}

func request(a *attrs, r *call.Record) {
	q := r.Request
	a.known(streamFlag, q.StreamFlag.String())
	a.yes(includeUsage, q.Hints.IncludeUsage == call.True)
	if q.Hints.IncludeUsage == call.False {
		a.flag(includeUsage, false)
	}
	a.strs(requestKeys, q.Keys)
	a.str(requestBodyModel, q.Hints.BodyModel)
	a.str(requestBodyHMAC, q.Hints.Body.String())
	a.str(wireFormat, orUnknown(r.Target.Format))
	a.str(authScheme, r.Target.Auth.Scheme)
	a.str(authHMAC, r.Target.Auth.Digest.String())
}

func response(a *attrs, r *call.Record) {
	b := r.Response.Body
	a.known(responseFraming, b.Framing.String())
	a.str(responseMedia, b.ContentType)
	a.str(responseEncoding, b.Encoding)
	a.known(responseTransfer, b.Transfer.String())
	a.str(responseFinish, normalFinish(r.Response.FinishReasons))
	a.str(responseOrigin, r.Response.Origin)
	if o := r.Outcome(); o != call.OutcomeUnknown {
		a.str(callOutcome, o.String())
	}
	e := r.Response.Error
	a.known(errorShape, e.Shape.String())
	a.str(errorCode, token(e.Code))
	a.str(errorParam, token(e.Param))
}

var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// token lets through what looks like a code, for error texts echo prompts.
func token(v string) string {
	if tokenPattern.MatchString(v) {
		return v
	}
	return ""
}

func failure(a *attrs, r *call.Record) {
	d := r.Diagnosis
	if d.Class == call.ClassUnknown || d.Class == call.ClassOK {
		return
	}
	a.known(failureClass, d.Class.String())
	if d.Severity != call.SeverityNone {
		a.str(failureSeverity, d.Severity.String())
	}
	a.known(failureFault, d.Fault.String())
	a.str(failureReason, token(d.Reason))
	a.str(failureRule, d.Rule)
	var secondary []string
	for _, tag := range d.Tags {
		var c call.Class
		if c.UnmarshalText([]byte(tag)) == nil && c != d.Class && c != call.ClassUnknown && !slices.Contains(secondary, tag) {
			secondary = append(secondary, tag)
		}
	}
	a.strs(failureSecondary, secondary)
}

func stream(a *attrs, r *call.Record) {
	start, t, s := r.Identity.Start, r.Timing, r.Stream
	a.instant(streamHeaders, start, t.Headers)
	if !r.StreamBody() {
		return
	}
	a.instant(streamFirstByte, start, t.FirstByte)
	a.instant(streamFirstData, start, t.FirstData)
	a.instant(streamFirstContent, start, t.FirstContent)
	a.instant(streamLastData, start, t.LastData)
	a.num(streamEvents, int64(s.Events))
	a.num(streamContent, int64(s.ContentEvents))
	a.num(streamBytes, r.Response.Body.Bytes)
	a.num(streamBursts, int64(s.Bursts))
	a.num(streamBurst, int64(s.LargestBurst))
	if s.Events > 0 {
		a.float(streamBurstRatio, float64(s.LargestBurst)/float64(s.Events))
	}
	a.float(streamMaxGap, s.MaxGap.Seconds())
	a.float(streamMaxDataGap, s.MaxDataGap.Seconds())
	a.flag(streamDone, s.Done)
	a.flag(streamFinish, s.Finish)
	a.flag(streamError, s.Errored)
	if r.Response.Body.Framing == call.FramingSSE && r.Target.Format != "anthropic" { // its keep-alives are pings
		a.positive(streamComment, int64(s.Keepalives))
	}
	names := make([]string, 0, len(s.Oddities))
	for _, o := range s.Oddities {
		names = append(names, o.Name)
		if slices.Contains(countedOddities, o.Name) {
			a.positive(attribute.Key(streamOddityPrefix+o.Name), int64(o.Count))
		}
	}
	a.strs(streamOddities, names)
}

// countedOddities have an attribute with their count.
var countedOddities = []string{"bad_json", "data_empty", "choices_empty", "delta_missing", "oversize"}

func ending(a *attrs, r *call.Record) {
	a.known(endSide, r.End.Side.String())
	a.known(endKind, r.End.Kind.String())
	a.flag(endTerminal, r.End.Terminal)
	if r.End.Kind == call.EndH2RST {
		a.num(endH2Code, int64(r.End.H2Code))
	}
	a.float(agentLag, r.Agent.LagMax.Seconds())
	a.float(agentClient, r.Agent.BlockedClient.Seconds())
	a.float(agentUpstream, r.Agent.BlockedUpstream.Seconds())
}

// headerNames and headerPrefixes are the only headers that can become
// attributes; a credential or cookie is not among them and cannot be added.
var (
	headerNames    = []string{"x-request-id", "apim-request-id", "x-ms-region", "retry-after", "via", "server"}
	headerPrefixes = []string{"x-stainless-", "x-ratelimit-"}
)

// maxHeaders keeps the fullest span below the SDK's limit of attributes.
const maxHeaders = 8

func headers(a *attrs, prefix string, list []call.Header) {
	written := 0
	for i, h := range list {
		allowed := slices.Contains(headerNames, h.Name) ||
			slices.ContainsFunc(headerPrefixes, func(p string) bool { return strings.HasPrefix(h.Name, p) && token(h.Name) != "" })
		earlier := slices.ContainsFunc(list[:i], func(e call.Header) bool { return e.Name == h.Name })
		if !allowed || earlier || written == maxHeaders {
			continue
		}
		var values []string
		for _, same := range list[i:] {
			if same.Name == h.Name {
				values = append(values, same.Value)
			}
		}
		a.strs(attribute.Key(prefix+h.Name), values)
		written++
	}
}
