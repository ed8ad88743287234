package wire

import (
	"strings"

	"llmtap/internal/call"
)

// errorShape is one form of error body: its test, and where its texts stand,
// the first that is there.
type errorShape struct {
	shape                      call.ErrorShape
	is                         func(e *errorFacts, members int, awsType string) bool
	code, kind, param, message []slot
}

// shapes are tested in this order; the last takes everything.
var shapes = []errorShape{
	{
		shape: call.ShapeGoogle, is: isGoogle,
		code: []slot{errStatus}, message: []slot{errMessage},
	},
	{
		shape: call.ShapeAnthropic, is: isAnthropic,
		code: []slot{errType}, kind: []slot{errType}, message: []slot{errMessage},
	},
	{
		shape: call.ShapeFlat, is: isFlatEvent,
		code: []slot{rootCode}, param: []slot{rootParam}, message: []slot{rootMessage},
	},
	{
		shape: call.ShapeOpenAI, is: isOpenAI,
		code: []slot{errCode, errType}, kind: []slot{errType, errInner}, param: []slot{errParam}, message: []slot{errMessage},
	},
	{
		shape: call.ShapeAzure, is: isAzure,
		code: []slot{errCode}, kind: []slot{errInner}, message: []slot{errMessage},
	},
	{shape: call.ShapeString, is: isString, code: []slot{rootErrorKind, rootCode}, message: []slot{errError}},
	{shape: call.ShapeList, is: isList},
	{shape: call.ShapeAPIM, is: isAPIM, code: []slot{rootStatusCode}, message: []slot{rootMessage}},
	{
		shape: call.ShapeAzureValidate, is: isAzureValidate,
		code: []slot{rootCode, rootErrorType}, kind: []slot{rootErrorType}, message: []slot{rootMessage, rootStatus},
	},
	{shape: call.ShapeDatabricks, is: isDatabricks, code: []slot{rootErrorCode}, message: []slot{rootMessage}},
	{shape: call.ShapeFastAPI, is: isFastAPI, message: []slot{rootDetail, rootMessage}},
	{
		shape: call.ShapeFlat, is: isFlat,
		code: []slot{rootCode, rootType}, kind: []slot{rootType}, param: []slot{rootParam}, message: []slot{rootMessage},
	},
	{shape: call.ShapeAWS, is: isAWS, message: []slot{rootMessage}},
	{shape: call.ShapeBare, is: isBare, message: []slot{rootMessage}},
	{
		shape: call.ShapeOther, is: func(*errorFacts, int, string) bool { return true },
		code: []slot{errCode, rootCode, rootErrorCode, rootErrorKind, errError}, kind: []slot{errType}, param: []slot{errParam, rootParam},
		message: []slot{errMessage, rootMessage, rootMsg, rootDetail, rootTitle, faultText, rootStatus},
	},
}

// shapeOf returns the first shape that fits; the last fits everything.
func shapeOf(e *errorFacts, members int, awsType string) *errorShape {
	for i := range shapes {
		if shapes[i].is(e, members, awsType) {
			return &shapes[i]
		}
	}
	return &shapes[len(shapes)-1]
}

func isGoogle(e *errorFacts, _ int, _ string) bool { return e.string(errStatus) && e.number(errCode) }

// isAnthropic: its errors have neither code nor parameter; OpenAI's Responses
// nest theirs in the same way, with both.
func isAnthropic(e *errorFacts, _ int, _ string) bool {
	return e.is(rootType, "error") && e.object() && !e.has(errCode) && !e.has(errParam)
}

func isFlatEvent(e *errorFacts, _ int, _ string) bool {
	return e.is(rootType, "error") && e.has(rootMessage) && !e.object()
}

func isOpenAI(e *errorFacts, _ int, _ string) bool {
	return e.object() && (e.has(errType) || e.has(errParam) || e.number(errCode) || e.is(rootObject, "response"))
}

func isAzure(e *errorFacts, _ int, _ string) bool { return e.object() && e.string(errCode) }

func isString(e *errorFacts, _ int, _ string) bool { return e.string(errError) }

func isList(e *errorFacts, _ int, _ string) bool {
	return len(e.list) > 0 && (e.has(errItem) || !e.has(rootDetail) && !e.has(errError))
}

func isAPIM(e *errorFacts, _ int, _ string) bool { return e.has(rootStatusCode) && e.has(rootMessage) }

func isAzureValidate(e *errorFacts, _ int, _ string) bool {
	return e.has(rootRequestID) &&
		(e.has(rootCode) && e.has(rootMessage) || e.has(rootStatus) && e.has(rootErrorType))
}

func isDatabricks(e *errorFacts, _ int, _ string) bool {
	return e.has(rootErrorCode) && e.has(rootMessage)
}

func isFastAPI(e *errorFacts, _ int, _ string) bool {
	return e.string(rootDetail) || e.has(rootDetail) && e.has(detailItem)
}

func isFlat(e *errorFacts, _ int, _ string) bool {
	return e.has(rootMessage) && (e.has(rootType) || e.has(rootCode)) || e.is(rootObject, "error")
}

func isAWS(e *errorFacts, _ int, awsType string) bool { return e.has(rootMessage) && awsType != "" }

func isBare(e *errorFacts, members int, _ string) bool {
	others := 0
	for _, at := range []slot{rootID, errRequestID, rootRequestID} {
		if e.has(at) {
			others++
		}
	}
	return e.has(rootMessage) && members == 1+others
}

// awsName cuts an x-amzn-ErrorType to its name: it may come as
// namespace#Name or Name:uri.
func awsName(s string) string {
	if _, name, ok := strings.Cut(s, "#"); ok {
		s = name
	}
	s, _, _ = strings.Cut(s, ":")
	return s
}
