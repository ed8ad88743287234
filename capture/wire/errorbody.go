package wire

import (
	"bytes"
	"strings"

	"llmtap/internal/call"
)

// Slots of an error body; every response tree has them.
const (
	_ slot = iota
	errDoc
	errError
	errMessage
	errType
	errParam
	errCode
	errStatus
	errInner
	errRaw
	errRequestID
	errItem
	rootMessage
	rootMsg
	rootType
	rootParam
	rootCode
	rootStatusCode
	rootActivity
	rootRequestID
	rootStatus
	rootErrorType
	rootErrorCode
	rootErrorKind
	rootObject
	rootID
	rootDetail
	detailItem
	detailLoc
	detailMsg
	rootTitle
	faultText
	issueItem
	issueName
	issueLoc
	issueMsg
	issueText
	errSlots
)

// errorPaths find the error of any provider: see the table in errorshape.go.
var errorPaths = []path{
	{path: "", slot: errDoc},
	{path: "error", slot: errError},
	{path: "error.message", slot: errMessage},
	{path: "error.type", slot: errType},
	{path: "error.param", slot: errParam},
	{path: "error.code", slot: errCode},
	{path: "error.http_status_code", slot: errCode}, // of TGI, in the form of OpenAI
	{path: "error.status", slot: errStatus},
	{path: "error.innererror.code", slot: errInner},
	{path: "error.metadata.raw", slot: errRaw},
	{path: "error.request_id", slot: errRequestID},
	{path: "error[]", slot: errItem},
	{path: "error[].message", slot: errMessage},
	{path: "message", slot: rootMessage},
	{path: "Message", slot: rootMessage},
	{path: "msg", slot: rootMsg},
	{path: "originalMessage", slot: rootMsg},
	{path: "OriginalMessage", slot: rootMsg},
	{path: "errorMessage", slot: rootMsg},
	{path: "error_message", slot: rootMsg},
	{path: "error_msg", slot: rootMsg},
	{path: "error_description", slot: rootMsg},
	{path: "errorType", slot: rootErrorKind},
	{path: "errorCode", slot: rootErrorKind},
	{path: "ErrorCode", slot: rootErrorKind},
	{path: "fault.detail.errorcode", slot: rootErrorKind},
	{path: "type", slot: rootType},
	{path: "param", slot: rootParam},
	{path: "code", slot: rootCode},
	{path: "statusCode", slot: rootStatusCode},
	{path: "activityId", slot: rootActivity},
	{path: "requestid", slot: rootRequestID},
	{path: "requestId", slot: errRequestID},
	{path: "request_id", slot: errRequestID},
	{path: "status", slot: rootStatus},
	{path: "errortype", slot: rootErrorType},
	{path: "error_code", slot: rootErrorCode},
	{path: "error_type", slot: rootErrorKind},
	{path: "object", slot: rootObject},
	{path: "id", slot: rootID},
	{path: "detail", slot: rootDetail},
	{path: "detail.message", slot: rootMsg},
	{path: "detail.error.message", slot: rootMsg},
	{path: "detail[]", slot: detailItem},
	{path: "detail[].loc[]", slot: detailLoc},
	{path: "detail[].msg", slot: detailMsg},
	{path: "title", slot: rootTitle},
	{path: "fault.faultstring", slot: faultText},
}

// errorTree reads an error body and nothing else.
var errorTree = responseTree(nil)

// responseTree joins the error paths and those of a dialect. An array at the
// top holds documents of the same form (Google answers errors that way).
func responseTree(own []path) *node {
	root := compile(errorPaths, issuePaths, own)
	root.find("errors").keys = issueName
	root.elem = root
	return root
}

// errorFacts collect what a document says about an error. Its buffers are kept
// from one document to the next.
type errorFacts struct {
	seen   [errSlots]form // what stood there, plus one; 0 = nothing
	text   [errSlots][]byte
	truthy bool // a truthy top-level error
	list   []byte
	loc    []byte
	issues issues
}

func (e *errorFacts) reset() {
	e.seen = [errSlots]form{}
	e.truthy = false
	e.list, e.loc = e.list[:0], e.loc[:0]
	e.issues.reset()
	e.text[errParam] = e.text[errParam][:0]
}

// value is the sink of the error paths.
func (e *errorFacts) value(at slot, v *value) {
	e.seen[at] = v.form + 1
	e.text[at] = append(e.text[at][:0], v.text[:min(len(v.text), textLimit(at))]...)
	switch at {
	case errError:
		e.truthy = v.form != formOpen && v.truthy()
	case errItem:
		e.join(v)
	case issueItem, issueName, issueLoc, issueMsg, issueText:
		e.issues.value(at, v)
	case errDoc:
		e.join(v) // strings of an outermost array come here too
	case rootDetail:
		if v.form == formOpen {
			e.list = e.list[:0]
		}
	case detailItem:
		e.detail(v)
	case detailLoc:
		if len(e.loc) > 0 {
			e.loc = append(e.loc, '.')
		}
		if len(e.loc) < maxShort {
			e.loc = append(e.loc, v.text[:min(len(v.text), maxShort)]...)
		}
		if v.form == formString {
			e.text[errParam] = append(e.text[errParam][:0], v.text...)
		}
	}
}

// textLimit bounds what is kept of one text.
func textLimit(at slot) int {
	switch at {
	case errError, errMessage, errRaw, rootMessage, rootMsg, rootDetail, detailMsg, rootTitle, faultText, issueItem, issueMsg, issueText:
		return textCap
	}
	return maxShort
}

// detail turns one entry of a validation error into "loc: msg".
func (e *errorFacts) detail(v *value) {
	switch {
	case v.form == formString:
		e.join(v)
	case v.form == formOpen:
		e.loc = e.loc[:0]
		e.text[detailMsg] = e.text[detailMsg][:0]
	case v.form == formClose:
		line := e.text[detailMsg]
		if len(e.loc) > 0 {
			e.loc = append(e.loc, ": "...)
			line = append(e.loc, line...)
		}
		e.join(&value{form: formString, text: line})
	}
}

func (e *errorFacts) join(v *value) { e.list = joined(e.list, v) }

// joined adds a text to a list of texts.
func joined(list []byte, v *value) []byte {
	if v.form != formString || len(list) >= textCap {
		return list
	}
	if len(list) > 0 {
		list = append(list, "; "...)
	}
	return append(list, v.text...)
}

// says reports whether the document calls itself an error.
func (e *errorFacts) says() bool {
	return e.truthy || e.is(rootType, "error") || e.is(rootObject, "error")
}

func (e *errorFacts) is(at slot, text string) bool {
	return e.string(at) && string(e.text[at]) == text
}

func (e *errorFacts) has(at slot) bool    { return e.seen[at] != 0 }
func (e *errorFacts) string(at slot) bool { return e.seen[at] == formString+1 }
func (e *errorFacts) number(at slot) bool { return e.seen[at] == formNumber+1 }

// object reports whether the top-level error is an object.
func (e *errorFacts) object() bool { return e.seen[errError] == formClose+1 && !e.has(errItem) }

// pick returns the first text among the slots.
func (e *errorFacts) pick(limit int, from ...slot) string {
	for _, at := range from {
		if (e.string(at) || e.number(at)) && len(bytes.TrimSpace(e.text[at])) > 0 {
			return keepString(e.text[at], limit)
		}
	}
	return ""
}

// describe names the shape of the collected document and takes its texts out.
func (e *errorFacts) describe(members int, awsType string) call.Error {
	s := shapeOf(e, members, awsType)
	out := call.Error{
		Shape: s.shape, Code: e.pick(maxShort, s.code...), Type: e.pick(maxShort, s.kind...),
		Param: e.pick(maxShort, s.param...), Message: e.pick(textCap, s.message...),
		RequestID: e.pick(maxShort, rootActivity, rootRequestID, errRequestID),
	}
	switch s.shape {
	case call.ShapeList:
		out.Message = keepString(e.list, textCap)
	case call.ShapeFastAPI:
		out.Param = keepString(e.text[errParam], maxShort)
		if len(e.list) > 0 {
			out.Message = keepString(e.list, textCap)
		}
		if title := e.pick(maxShort, rootTitle); title != "" { // a problem's detail explains its title
			out.Message = keepString([]byte(title+": "+out.Message), textCap)
		}
	case call.ShapeAWS:
		out.Code = keepString([]byte(awsName(awsType)), maxShort)
	}
	out.Message = moreTexts(e, out.Message)
	if len(e.issues.texts) > 0 {
		out.Message = keepString([]byte(strings.TrimPrefix(out.Message+"; "+string(e.issues.texts), "; ")), textCap)
	}
	if out.Param == "" && e.issues.count == 1 {
		out.Param = keepString(e.issues.param, maxShort)
	}
	return out
}

// moreTexts adds what other members say in words: gateways put the name of the
// status into one and the cause into the other.
func moreTexts(e *errorFacts, message string) string {
	for _, at := range []slot{errError, rootMessage, rootMsg, rootDetail, faultText} {
		if text := e.pick(textCap, at); e.string(at) && !strings.Contains(message, text) {
			message = strings.TrimPrefix(message+"; "+text, "; ")
		}
	}
	return message[:min(len(message), textCap)]
}
