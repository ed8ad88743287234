package compare

import (
	"math"
	"slices"
	"strings"
	"time"

	"llmtap/internal/call"
)

// Failures that are no evidence that a mode as such fails: the user's, the
// client's and the agent's own ones, those of load and network, and those that
// name another cause.
var notTheMode = []call.Class{
	call.ClassUnknown, call.ClassOK, call.ClassClientChoked, call.ClassClientTimeout, call.ClassClientCancelled,
	call.ClassFirstByteTimeout, call.ClassGatewayTimeout, call.ClassRateLimited, call.ClassAgentInduced, call.ClassTLSUntrusted,
	call.ClassUpstreamUnreachable, call.ClassStaleConnection, call.ClassStreamFlagInvalid, call.ClassStreamOptionRejected,
	call.ClassAPIVersionIncompatible, call.ClassContentFiltered, call.ClassFailedBeforeCall,
}

// notTheSide are failures that are nobody's habit: a client, a version or a
// deployment that fails with them is busy or unlucky.
var notTheSide = []call.Class{
	call.ClassUnknown, call.ClassOK, call.ClassClientTimeout, call.ClassClientCancelled, call.ClassFirstByteTimeout,
	call.ClassGatewayTimeout, call.ClassRateLimited, call.ClassAgentInduced, call.ClassTLSUntrusted,
	call.ClassUpstreamUnreachable, call.ClassStaleConnection, call.ClassContentFiltered, call.ClassFailedBeforeCall,
}

// notThePath are failures that no network makes.
var notThePath = []call.Class{
	call.ClassUnknown, call.ClassOK, call.ClassClientTimeout, call.ClassClientCancelled, call.ClassClientChoked,
	call.ClassRateLimited, call.ClassAgentInduced, call.ClassTLSUntrusted, call.ClassStaleConnection,
	call.ClassContentFiltered, call.ClassFailedBeforeCall, call.ClassParameterUnsupported, call.ClassStreamFlagInvalid,
	call.ClassStreamOptionRejected, call.ClassAPIVersionIncompatible, call.ClassEndpointNotFound,
}

func countsForMode(r *call.Record) bool {
	class := r.Diagnosis.Class
	switch {
	case slices.Contains(notTheMode, class), aboutInput(r), unauthenticated(r), aboutCombination(r):
		return false
	case class == call.ClassEndpointNotFound:
		return pathAsksFor(r)
	case class == call.ClassStreamTruncated:
		return !atHopDeadline(r)
	}
	return true
}

func countsForSide(r *call.Record) bool {
	switch {
	case slices.Contains(notTheSide, r.Diagnosis.Class), aboutInput(r), unauthenticated(r):
		return false
	case r.Diagnosis.Class == call.ClassStreamTruncated:
		return !atHopDeadline(r)
	case r.Diagnosis.Class == call.ClassProviderError:
		return r.Diagnosis.Reason != "overloaded" // load, as a 429 is
	}
	return true
}

func countsForPath(r *call.Record) bool {
	return !slices.Contains(notThePath, r.Diagnosis.Class) && !aboutInput(r) && !unauthenticated(r)
}

// aboutInput: the answer blames what was asked, or how much of it.
func aboutInput(r *call.Record) bool {
	reason := r.Diagnosis.Reason
	switch r.Diagnosis.Class {
	case call.ClassRequestRejected:
		return reason == "context_length" || reason == "too_large"
	case call.ClassErrorInStream:
		return reason == "rate_limited" || reason == "context_length" || reason == "content_filter"
	}
	return false
}

// unauthenticated: a wrong key fails in every mode. 403 counts, since rights to
// stream are granted apart.
func unauthenticated(r *call.Record) bool {
	return r.Diagnosis.Class == call.ClassAuthRejected && r.Response.Status == 401
}

// aboutCombination: streaming together with something else was refused.
func aboutCombination(r *call.Record) bool {
	switch r.Diagnosis.Class {
	case call.ClassStreamUnsupported:
		return r.Diagnosis.Reason == "combination"
	case call.ClassErrorInStream:
		return r.Diagnosis.Reason == "stream_refused" && featuresOf(r) != 0
	}
	return false
}

// pathAsksFor reports whether the path, not the body, chose the mode: then a
// path that is not there is a mode that is not there.
func pathAsksFor(r *call.Record) bool {
	for _, family := range []string{"gemini", "vertex.gemini", "bedrock", "tgi"} {
		if strings.HasPrefix(r.Target.API, family) {
			return r.Request.StreamFlag != call.StreamTrue && r.Request.StreamFlag != call.StreamFalse
		}
	}
	return strings.Contains(r.Request.Path, ":streamGenerateContent") || strings.Contains(r.Request.Path, ":generateContent")
}

// hopDeadlines are limits, in seconds, that programs on the way come with.
var hopDeadlines = []float64{15, 30, 60, 90, 100, 120, 125, 180, 230, 240, 300, 350, 600}

func atHopDeadline(r *call.Record) bool {
	return nearDeadline(elapsedOf(r).Seconds())
}

func nearDeadline(seconds float64) bool {
	for _, d := range hopDeadlines {
		if math.Abs(seconds-d) <= d/100 {
			return true
		}
	}
	return false
}

// elapsedOf is the time from the request being under way to the end.
func elapsedOf(r *call.Record) time.Duration {
	sent := r.Timing.RequestSent
	if sent.IsZero() {
		sent = r.Identity.Start
	}
	return max(0, r.EndTime().Sub(sent))
}
