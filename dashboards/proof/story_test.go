package proof_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
	"llmtap/internal/diagnose"
	"llmtap/internal/faultllm"
)

// Clients of the story. What the Jupyter AI chat sends is known by its prompt.
const (
	question = `"messages":[{"role":"user","content":"Who owns owl %d?"}]`
	chat     = `"messages":[{"role":"system","content":"You are Jupyternaut, a conversational assistant living in JupyterLab to help users."},{"role":"user","content":"\n\nWho owns owl %d?"}]`
)

func curl() map[string]string { return map[string]string{"User-Agent": "curl/8.5.0", "api-key": "k"} }

func langchain(retry int) map[string]string {
	return map[string]string{
		"User-Agent": "langchain-partner-python-azure-openai", "X-Stainless-Lang": "python", "X-Stainless-Package-Version": "1.60.1",
		"X-Stainless-Async": "async:asyncio", "api-key": "k", "x-stainless-retry-count": fmt.Sprint(retry),
	}
}

// direct is a call with curl; more are further members of the body.
func direct(model, more string) ask {
	return ask{model: model, body: `{` + question + more + `}`, headers: curl()}
}

// jupyter is a call of the Jupyter AI chat of that version.
func jupyter(version, model, more string) ask {
	return ask{model: model, body: `{` + chat + `,"model":null` + more + `}`, headers: langchain(0), version: version}
}

const (
	streamed = `,"stream":true`
	plainly  = `,"stream":false`
)

// world is the story's agents at their clock, and the minute it is.
type world struct {
	t      testing.TB
	clock  *clock
	agents []*agent
	minute int
	asked  int // questions so far
	// scrape is called once a minute.
	scrape func(*world)
}

// epoch is when the story begins.
func epoch() time.Time { return time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC) }

// lasts is how many minutes the story takes.
const lasts = 150

// newWorld starts n agents before one service.
func newWorld(t testing.TB, n int, scrape func(*world)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: epoch()}, scrape: scrape}
	svc := startService(t)
	for i := range n {
		w.agents = append(w.agents, startAgent(t, string(rune('a'+i)), svc, w.clock))
	}
	return w
}

// until lets time pass up to the minute, scraping at each full one.
func (w *world) until(minute int) {
	for w.minute < minute {
		w.minute++
		w.clock.now = epoch().Add(time.Duration(w.minute) * time.Minute)
		w.scrape(w)
	}
}

// send makes calls of one agent, each with a question of its own, two seconds apart, within the current minute.
func (w *world) send(a *agent, calls ...ask) {
	w.t.Helper()
	for _, q := range calls {
		w.asked++
		w.repeat(a, q)
	}
}

// repeat makes a call with the question of the one before: a retry.
func (w *world) repeat(a *agent, q ask) {
	w.t.Helper()
	w.clock.advance(2 * time.Second)
	q.body = strings.Replace(q.body, "%d", strconv.Itoa(w.asked), 1)
	a.send(q)
}

// message is one streamed chat message that fails: three attempts.
func (w *world) message(a *agent, q ask) {
	w.t.Helper()
	w.asked++
	for retry := range 3 {
		q.headers = langchain(retry)
		w.repeat(a, q)
	}
}

// tell plays the story: jupyter-ai#1208 seen by two agents, then every other
// way to fail that the dashboards and rules know.
func tell(w *world) {
	a, b := w.agents[0], w.agents[1]
	const apim, moody = "stream-500-apim", "moody"
	w.until(5)
	w.send(a, direct("ok-azure", streamed), direct("ok-azure", streamed), direct("ok-azure", ""))

	w.until(10) // the old version does not stream
	for range 4 {
		w.send(a, jupyter("2.11.0", apim, plainly))
	}

	w.until(20) // a gateway that cannot stream, mended later
	broken := jupyter("2.11.0", moody, streamed)
	broken.query = "&scenario=stream-500-apim"
	w.send(a, direct(moody, ""))
	w.message(a, broken)
	w.send(a, direct(moody, ""))
	w.until(40)
	w.send(a, jupyter("2.11.0", moody, streamed))

	w.until(57) // both agents see plain calls work
	w.send(a, direct(apim, ""))
	w.send(b, direct(apim, ""))
	w.until(60) // the new version streams: three messages between two scrapes
	for range 3 {
		w.message(a, jupyter("2.29.0", apim, streamed))
	}
	w.until(61)
	for range 2 {
		w.message(b, jupyter("2.29.0", apim, streamed))
	}
	w.until(65)
	w.send(a, direct(apim, ""), jupyter("2.11.0", apim, plainly))
	w.send(b, direct(apim, ""))

	w.until(70) // refused in words
	w.send(a, direct("refuse-400", ""), jupyter("2.29.0", "refuse-400", streamed), direct("refuse-400", ""))
	w.until(75) // the mirror
	w.send(a, direct("refuse-plain", streamed), direct("refuse-plain", ""), direct("refuse-plain", ""), direct("refuse-plain", streamed))
	w.until(80) // only the framework sends max_tokens
	limited := jupyter("2.11.0", "param-max", plainly+`,"max_tokens":16`)
	w.send(a, limited, direct("param-max", ""), limited)
	w.until(82) // the new version sends temperature, for which this model has no taste
	old, young := jupyter("2.11.0", "param-temperature", plainly), jupyter("2.29.0", "param-temperature", plainly+`,"temperature":0.7`)
	w.send(a, old, old, young, young, old)
	w.until(85)
	w.send(a, direct("unclean-done", streamed), direct("unclean-done", streamed), direct("serr-done", streamed))
	w.until(88) // the user leaves
	left := direct("ok-azure", streamed)
	left.query, left.leave = "&interval=30ms&chunks=100", true
	w.send(a, left)
	w.until(90)
	b.distrust() // once: b looks away from then on
	zooed(w, a)
	late(w, a)
}

// late are the failures that alerts with short windows look for.
func late(w *world, a *agent) {
	lumps := direct("buf-block", streamed)
	lumps.query = "&scale=0.15"
	for i := range 2 { // 60 events at the end of 2.4 s
		w.until(118 + 4*i)
		w.send(a, lumps)
	}
	cut := direct("cut-rst", streamed)
	cut.took = 30 * time.Second
	for i := range 12 {
		w.until(125 + i)
		w.send(a, cut)
	}
	w.until(140)
	for range 6 {
		w.send(a, direct("rate-429", ""))
	}
	w.send(a, jupyter("2.29.0", "option-400", streamed+`,"stream_options":{"include_usage":true}`))
	w.until(142) // more models than there are labels
	for i := range 60 {
		q := direct(fmt.Sprintf("invented-%02d", i), "")
		q.host = zoo
		a.send(q)
	}
	w.until(lasts)
}

// zooed plays every fault that needs no patience once; then each class of the
// agent's table is counted once more, so that those are there too that only
// patience, HTTP/2 or a whole client program would show.
func zooed(w *world, a *agent) {
	w.t.Helper()
	for _, sc := range faultllm.Scenarios() {
		if sc.Leaves != "" || sc.HTTP != "" || sc.Takes > 100*time.Millisecond || sc.ID == "bomb" {
			continue
		}
		stream := sc.Mode != faultllm.ModePlain
		a.send(ask{host: zoo, model: "zoo", query: "&interval=0&scenario=" + sc.ID, body: string(sc.Body(stream)), headers: curl()})
		w.clock.advance(200 * time.Millisecond)
	}
	w.until(110)
	for i, row := range diagnose.Table() {
		r := sinktest.Record(i)
		r.Identity.Start, r.Identity.Logical = w.clock.now, fmt.Sprintf("zoo-%d", i)
		r.Target.Host, r.Target.Model = zoo, "zoo"
		r.Diagnosis = call.Diagnosis{Class: row.Class, Severity: row.Severity, Fault: row.Fault}
		a.check(a.sink.Record(w.t.Context(), r))
	}
	w.until(115)
}
