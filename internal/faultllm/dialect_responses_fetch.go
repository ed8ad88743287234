package faultllm

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// responsesRoute reads …/responses, where a response is made, and
// …/responses/{id}, where one is fetched, whole or as the stream that it was.
func responsesRoute(path string) (route, bool) {
	if to, ok := endsWith("/responses", "/responses/compact")(path); ok {
		return to, true
	}
	at := strings.LastIndexByte(path, '/')
	if at < 0 || !strings.HasSuffix(path[:at], "/responses") {
		return route{}, false
	}
	return route{deployment: path[at+1:], fetch: true, stream: flagFalse}, true
}

// responseID is the id of a scenario's response.
func (i names) responseID() string { return "resp_" + i.fingerprint(32) }

// responseIDs leads from the id of a response to the scenario that gave it.
func responseIDs(rows map[string]*row) map[string]string {
	ids := map[string]string{names{healthyID}.responseID(): healthyID, healthyID: healthyID}
	for name, r := range rows {
		ids[name], ids[names{r.ID}.responseID()] = r.ID, r.ID
	}
	return ids
}

// fetched fills the route of a fetch from its id, which may be a scenario's
// name, and its query. A status that is not 0 refuses the call in these words.
func fetched(to route, ids map[string]string, q url.Values) (filled route, status int, words string) {
	id, ok := ids[to.deployment]
	if !ok {
		return to, http.StatusNotFound, "Response with id '" + to.deployment + "' not found."
	}
	to.deployment = id
	if q.Get("stream") == "true" {
		to.stream = flagTrue
	}
	if v := q.Get("starting_after"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || to.stream != flagTrue {
			return to, http.StatusBadRequest, "Invalid 'starting_after': want the number of an event, with stream=true."
		}
		to.after = n + 1
	}
	return to, 0, ""
}

// takes reports whether the route has the request's method.
func (to route) takes(r *http.Request) bool {
	switch {
	case to.fetch:
		return r.Method == http.MethodGet
	case r.Method == http.MethodPost, r.Method == http.MethodHead:
		return true
	}
	return r.Header.Get("Upgrade") != ""
}

// methods are those it has.
func (to route) methods() string {
	if to.fetch {
		return http.MethodGet
	}
	return "POST, HEAD"
}
