package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"llmtap/internal/call"
)

// problem is the contract's error answer.
type problem struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// fail answers with an error in JSON.
func fail(w http.ResponseWriter, status int, code, message string) {
	var p problem
	p.Error.Code, p.Error.Message = code, message
	write(w, status, p)
}

// write encodes before it sends: an answer is whole or it is an error.
func write[T any](w http.ResponseWriter, status int, v T) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, `{"error":{"code":"internal","message":"the answer has no JSON form"}}`, http.StatusInternalServerError)
		return
	}
	body = append(body, '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a reader who left needs no answer
}

// failFrom answers with what a source said.
func failFrom(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, call.ErrNotFound):
		fail(w, http.StatusNotFound, "not_found", err.Error())
	case errors.Is(err, call.ErrAmbiguous):
		fail(w, http.StatusConflict, "ambiguous_id", err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		fail(w, http.StatusServiceUnavailable, "timeout", "the store did not answer in time: ask for less, or again")
	default:
		fail(w, http.StatusInternalServerError, "internal", err.Error())
	}
}

// public is a record as it may be shown: without the content of prompts.
func public(r call.Record) call.Record {
	r.Content = call.Content{}
	return r
}
