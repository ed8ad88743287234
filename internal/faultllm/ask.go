package faultllm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// healthyID counts the calls that name no scenario.
const healthyID = "healthy"

// route is what a path says.
type route struct {
	azure      bool
	deployment string   // "" where the body names the model
	dialect    *dialect // nil for chat completions
	stream     flag     // absent where the body decides
	fetch      bool     // GET of a response that was made before
	after      int      // events of its stream to leave out
}

// routeOf reads the path of a call; any prefix is tolerated, a doubled Azure
// path is not (as in the real service).
func routeOf(path string) (route, bool) {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	path = strings.TrimSuffix(path, "/")
	rest, ok := strings.CutSuffix(path, "/chat/completions")
	if !ok {
		return otherRoute(path)
	}
	if prefix, name, ok := strings.Cut(rest, "/openai/deployments"); ok {
		name, ok = strings.CutPrefix(name, "/")
		if !ok || name == "" || strings.Contains(name, "/") || strings.HasSuffix(prefix, "/openai/v1") {
			return route{}, false
		}
		return route{azure: true, deployment: name}, true
	}
	return route{azure: strings.HasSuffix(rest, "/openai/v1")}, true
}

// otherRoute reads the path of a call that is no chat completion.
func otherRoute(path string) (route, bool) {
	for _, d := range dialects() {
		if to, ok := d.route(path); ok {
			to.dialect = d
			return to, true
		}
	}
	return route{}, false
}

// flag is the "stream" member by its JSON value.
type flag uint8

const (
	flagAbsent flag = iota // also null
	flagTrue
	flagFalse
	flagInvalid
)

// ask is what a request body wants. Keys are matched exactly: "Stream" is not
// "stream".
type ask struct {
	azure   bool
	dialect *dialect // nil for chat completions
	model   string
	stream  flag
	usage   bool // stream_options.include_usage
	n       int
	tools   []string // names of functions
	prompt  int      // tokens counted for the messages
	after   int      // events of a numbered stream that are not wanted again
	keys    map[string]json.RawMessage
}

// has reports whether the request carries the top-level key.
func (a *ask) has(key string) bool {
	_, ok := a.keys[key]
	return ok
}

// streams reports whether the call is a streamed one: only JSON true asks so.
func (a *ask) streams() bool { return a.stream == flagTrue }

// parse reads a request body.
func (a *ask) parse(body []byte) error {
	if err := json.Unmarshal(body, &a.keys); err != nil {
		return fmt.Errorf("faultllm: parse request: %w", err)
	}
	_ = json.Unmarshal(a.keys["model"], &a.model) // a null or odd model names no scenario
	a.stream = flagOf(a.keys["stream"])
	if a.stream == flagAbsent && a.dialect != nil && a.dialect.form.streaming {
		a.stream = flagTrue
	}
	a.prompt = 1 + len(a.keys["messages"])/8
	var n int
	if json.Unmarshal(a.keys["n"], &n) == nil {
		a.n = min(max(n, 1), 16)
	}
	var options struct {
		Usage bool `json:"include_usage"`
	}
	a.usage = json.Unmarshal(a.keys["stream_options"], &options) == nil && options.Usage
	a.readTools()
	return nil
}

// readTools takes the names of functions, whose place depends on the dialect.
func (a *ask) readTools() {
	var tools []struct {
		Name     string `json:"name"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
		Declared []struct {
			Name string `json:"name"`
		} `json:"functionDeclarations"` // Gemini's
	}
	if json.Unmarshal(a.keys["tools"], &tools) != nil {
		a.readToolConfig()
		return
	}
	for _, t := range tools {
		if name := cmp.Or(t.Function.Name, t.Name); name != "" {
			a.tools = append(a.tools, name)
		}
		for _, f := range t.Declared {
			a.tools = append(a.tools, f.Name)
		}
	}
}

// readToolConfig takes the names from where Converse has them.
func (a *ask) readToolConfig() {
	var config struct {
		Tools []struct {
			Spec struct {
				Name string `json:"name"`
			} `json:"toolSpec"`
		} `json:"tools"`
	}
	_ = json.Unmarshal(a.keys["toolConfig"], &config) // an odd one offers no tools
	for _, t := range config.Tools {
		if t.Spec.Name != "" {
			a.tools = append(a.tools, t.Spec.Name)
		}
	}
}

func flagOf(raw json.RawMessage) flag {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null":
		return flagAbsent
	case "true":
		return flagTrue
	case "false":
		return flagFalse
	}
	return flagInvalid
}

// pacing is the pace of one answer.
type pacing struct {
	interval time.Duration
	chunks   int  // content events of each choice
	counted  bool // chunks came from the query
	bytes    int  // content bytes of each chunk; 0 means one word
	scale    float64
}

// count returns the number of chunks: the query's, else the scenario's own.
func (p pacing) count(own int) int {
	if p.counted {
		return p.chunks
	}
	return own
}

// pacing reads ?interval=20ms&chunks=50&bytes=100&scale=0.01.
func (s *Service) pacing(q url.Values) (p pacing, err error) {
	p = pacing{interval: s.cfg.Interval, chunks: s.cfg.Chunks, scale: 1, counted: q.Has("chunks")}
	if v := q.Get("interval"); v == "0" {
		p.interval = 0
	} else if v != "" {
		p.interval, err = time.ParseDuration(v)
	}
	if err != nil || p.interval < 0 || p.interval > time.Hour {
		return p, fmt.Errorf("faultllm: query interval=%q: want a duration of 0 to 1h, like 20ms", q.Get("interval"))
	}
	if v := q.Get("chunks"); v != "" {
		p.chunks, err = strconv.Atoi(v)
	}
	if err != nil || p.chunks < 0 || p.chunks > 10_000_000 {
		return p, fmt.Errorf("faultllm: query chunks=%q: want a number of 0 to 10000000", q.Get("chunks"))
	}
	if v := q.Get("bytes"); v != "" {
		p.bytes, err = strconv.Atoi(v)
	}
	if err != nil || p.bytes < 0 || p.bytes > 256<<20 {
		return p, fmt.Errorf("faultllm: query bytes=%q: want a number of 0 to %d", q.Get("bytes"), 256<<20)
	}
	if v := q.Get("scale"); v != "" {
		p.scale, err = strconv.ParseFloat(v, 64)
	}
	if err != nil || !(p.scale >= 0 && p.scale <= 10) {
		return p, fmt.Errorf("faultllm: query scale=%q: want a number of 0 to 10", q.Get("scale"))
	}
	return p, nil
}
