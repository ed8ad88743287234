package wire

import (
	"bytes"
	"strings"
)

// issuePaths find what validators of many frameworks report: a list of entries
// that name a place and say what is wrong there (zod, joi, ajv, Spring, JSON:API,
// express-validator, a pydantic list that Mistral wraps), or an object whose
// member names are the places (ASP.NET, Laravel, Rails).
var issuePaths = []path{
	{path: "issues[]", slot: issueItem},
	{path: "issues[].path[]", slot: issueLoc},
	{path: "issues[].message", slot: issueMsg},
	{path: "error.issues[]", slot: issueItem},
	{path: "error.issues[].path[]", slot: issueLoc},
	{path: "error.issues[].message", slot: issueMsg},
	{path: "details[]", slot: issueItem},
	{path: "details[].path[]", slot: issueLoc},
	{path: "details[].message", slot: issueMsg},
	{path: "message.detail[]", slot: issueItem},
	{path: "message.detail[].loc[]", slot: issueLoc},
	{path: "message.detail[].msg", slot: issueMsg},
	{path: "message[]", slot: issueItem},
	{path: "validation[]", slot: issueItem},
	{path: "validation[].instancePath", slot: issueLoc},
	{path: "validation[].message", slot: issueMsg},
	{path: "errors[]", slot: issueItem},
	{path: "errors[].path", slot: issueLoc},
	{path: "errors[].path[]", slot: issueLoc},
	{path: "errors[].loc[]", slot: issueLoc},
	{path: "errors[].param", slot: issueLoc},
	{path: "errors[].field", slot: issueLoc},
	{path: "errors[].property", slot: issueLoc},
	{path: "errors[].instancePath", slot: issueLoc},
	{path: "errors[].source.pointer", slot: issueLoc},
	{path: "errors[].source.parameter", slot: issueLoc},
	{path: "errors[].message", slot: issueMsg},
	{path: "errors[].defaultMessage", slot: issueMsg},
	{path: "errors[].msg", slot: issueMsg},
	{path: "errors[].detail", slot: issueMsg},
	{path: "errors[].title", slot: issueMsg},
	{path: "errors.*", slot: issueText},
	{path: "errors.*[]", slot: issueText},
}

// issues collect the entries of a validator as "place: what is wrong".
type issues struct {
	texts    []byte
	param    []byte // last segment of the last place
	count    int
	loc, msg []byte
}

func (l *issues) reset() {
	l.texts, l.param, l.loc, l.msg = l.texts[:0], l.param[:0], l.loc[:0], l.msg[:0]
	l.count = 0
}

func (l *issues) value(at slot, v *value) {
	words := v.form == formString || v.form == formNumber
	switch {
	case at == issueItem && v.form == formOpen:
		l.loc, l.msg = l.loc[:0], l.msg[:0]
	case at == issueItem && v.form == formClose:
		l.add(l.msg)
	case at == issueItem:
		l.loc = l.loc[:0]
		l.add(v.text)
	case at == issueName:
		l.loc = append(l.loc[:0], v.text[:min(len(v.text), maxShort)]...)
	case at == issueText && v.form == formString:
		l.add(v.text)
	case at == issueLoc && words:
		l.loc = append(dotted(l.loc), v.text[:min(len(v.text), maxShort)]...)
	case at == issueMsg:
		l.msg = joined(l.msg, v)
	}
}

func dotted(loc []byte) []byte {
	if len(loc) == 0 || len(loc) >= maxShort {
		return loc[:0]
	}
	return append(loc, '.')
}

// add writes an entry: its place, if it has one, and its text.
func (l *issues) add(text []byte) {
	if len(text) == 0 {
		return
	}
	l.count++
	place := bytes.Trim(bytes.TrimPrefix(l.loc, []byte("$.")), "/")
	l.param = append(l.param[:0], place[1+bytes.LastIndexAny(place, "./"):]...)
	line := text
	if len(place) > 0 {
		line = []byte(strings.Join([]string{string(place), string(text)}, ": "))
	}
	l.texts = joined(l.texts, &value{form: formString, text: line})
}
