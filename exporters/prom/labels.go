package prom

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"llmtap/internal/call"
)

// Label names that several metrics share.
const (
	labelHost     = "server_address"
	labelModel    = "gen_ai_request_model"
	labelStream   = "gen_ai_request_stream"
	labelAnswered = "gen_ai_response_model"
	labelClient   = "client_name"
	labelVersion  = "client_version"
	labelKind     = "client_kind"
	labelReason   = "reason"
)

// Label values for what is not known, and for what did not fit.
const (
	unknown = "unknown"
	other   = "other"
)

// Caps of the open labels (telemetry contract §9), and how long the least
// recently seen client must have been silent to lose its place.
const (
	maxHosts   = 20
	maxModels  = 50
	maxClients = 64
	clientIdle = 10 * time.Minute
)

// labels are the resolved, bounded label values of one record.
type labels struct {
	host, model, answered string
	operation, provider   string
	stream, kind          string
	client                pair
	folded                bool // host or model did not fit
}

// pair is a client as metrics know it.
type pair struct{ name, version string }

// target is the pair of labels written Tm in the contract.
func (l *labels) target() []string { return []string{l.host, l.model} }

// line is the label set written L in the contract, and what follows it.
func (l *labels) line(more ...string) []string {
	return append([]string{l.host, l.model, l.stream, l.kind, l.client.name, l.client.version}, more...)
}

// base is the label set of the gen_ai metrics, and what follows it.
func (l *labels) base(more ...string) []string {
	return append([]string{l.operation, l.provider, l.model, l.host}, more...)
}

func lineNames(more ...string) []string {
	return append([]string{labelHost, labelModel, labelStream, labelKind, labelClient, labelVersion}, more...)
}

func baseNames(more ...string) []string {
	return append([]string{"gen_ai_operation_name", "gen_ai_provider_name", labelModel, labelHost}, more...)
}

func targetNames(more ...string) []string { return append([]string{labelHost, labelModel}, more...) }

// folder bounds label values. It belongs to the sink's mutex.
type folder struct {
	hosts, models, answered set
	clients                 map[pair]time.Time // last seen
	count                   func(label string) // one observation folded
	evicted                 func(pair)
}

func newFolder(count func(string), evicted func(pair)) *folder {
	return &folder{
		hosts: newSet(maxHosts), models: newSet(maxModels), answered: newSet(maxModels),
		clients: map[pair]time.Time{}, count: count, evicted: evicted,
	}
}

// of resolves the labels of r at time now.
func (f *folder) of(r *call.Record, now time.Time) labels {
	l := labels{
		host: f.host(r.Target.Host), model: f.model(r.Target.Model),
		answered:  unknown,
		operation: closed(operations, r.Target.Operation), provider: closed(providers, r.Target.Provider),
		stream: strconv.FormatBool(r.Streamed()), kind: r.Client.Kind.String(),
		client: f.client(r.Client.Name, r.Client.Version, now),
	}
	if r.Response.Model != "" {
		l.answered = f.fold(&f.answered, labelAnswered, clean(r.Response.Model, 64, modelMarks))
	}
	l.folded = l.host == other || l.model == other
	return l
}

func (f *folder) host(v string) string {
	return f.fold(&f.hosts, labelHost, clean(v, 253, "._:-[]"))
}

func (f *folder) model(v string) string {
	return f.fold(&f.models, labelModel, clean(v, 64, modelMarks))
}

// quiet is a view of f that counts no folds: for the second look at a record.
func (f *folder) quiet() *folder {
	q := *f
	q.count = func(string) {}
	return &q
}

func (f *folder) fold(s *set, label, v string) string {
	if v == unknown || v == other || s.admit(v) {
		return v
	}
	f.count(label)
	return other
}

// client admits a client pair. When all places are taken, one that has been
// silent for a while makes room and its series go; else the newcomer folds, so
// that a flood of invented versions cannot push out the real ones.
func (f *folder) client(name, version string, now time.Time) pair {
	p := pair{name: clean(name, 64, clientMarks)}
	if version != "" {
		p.version = clean(version, 64, clientMarks)
	}
	if _, ok := f.clients[p]; ok || p == (pair{name: unknown}) || len(f.clients) < maxClients {
		if p != (pair{name: unknown}) {
			f.clients[p] = now
		}
		return p
	}
	oldest, last := pair{}, now
	for k, t := range f.clients {
		if t.Before(last) {
			oldest, last = k, t
		}
	}
	if now.Sub(last) < clientIdle {
		f.count("client")
		return pair{other, other}
	}
	delete(f.clients, oldest)
	f.evicted(oldest)
	f.clients[p] = now
	return p
}

// set is a first-come set of label values with a limit.
type set struct {
	max  int
	seen map[string]struct{}
}

func newSet(limit int) set { return set{max: limit, seen: map[string]struct{}{}} }

func (s *set) admit(v string) bool {
	if _, ok := s.seen[v]; ok {
		return true
	}
	if len(s.seen) >= s.max {
		return false
	}
	s.seen[strings.Clone(v)] = struct{}{}
	return true
}

// What labels may hold beside letters and digits.
const (
	modelMarks  = "._:/@-"
	clientMarks = "._:/@-+~"
)

// clean lets through at most limit letters, digits and marks, nothing else.
func clean(v string, limit int, marks string) string {
	if v == "" || len(v) > limit {
		return unknown
	}
	for i := range len(v) {
		c := v[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune(marks, rune(c)) {
			return unknown
		}
	}
	return v
}

// closed keeps v if the list has it; empty is unknown, all else is other.
func closed(list []string, v string) string {
	if v == "" {
		return unknown
	}
	if slices.Contains(list, v) {
		return v
	}
	return other
}

// inference are the operations of the gen_ai_client_inference_ metrics.
var inference = []string{"chat", "text_completion", "generate_content"}

var operations = append([]string{"embeddings", "fetch_response"}, inference...)

var providers = []string{
	"openai", "azure.ai.openai", "azure.ai.inference", "anthropic", "aws.bedrock", "cohere", "deepseek", "gcp.gemini",
	"gcp.vertex_ai", "gcp.gen_ai", "groq", "ibm.watsonx.ai", "mistral_ai", "moonshot_ai", "perplexity", "x_ai",
	"ollama", "vllm", "tgi", "openai_compatible",
}

var verdicts = []string{
	"stream_only_failure", "plain_only_failure", "framework_only_failure", "version_regression",
	"model_or_deployment_specific", "network_path_specific", "hop_deadline", "framework_abort",
}
