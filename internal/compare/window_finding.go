package compare

import (
	"net/url"
	"slices"
	"sort"

	"llmtap/internal/call"
)

// remedyIDs are the advice of each verdict, most practical first.
var remedyIDs = [...][]string{
	streamOnly:        {"u.off", "u.plain", "a.off", "a.ask", "o.apim"},
	plainOnly:         {"u.stream", "a.on", "a.ask"},
	frameworkOnly:     {"u.upgrade", "u.path"},
	versionRegression: {"a.pin", "u.off"},
	modelSpecific:     {"u.path", "a.ask"},
	pathSpecific:      {"a.net"},
	hopDeadline:       {"u.timeout", "a.buf", "o.keepalive"},
}

// findingOf shows v as it is now.
func findingOf(s *state, v *verdict) call.Finding {
	if v.carried != nil {
		return *v.carried
	}
	f := call.Finding{
		Schema: 1, ID: v.id, Verdict: v.q.kind.String(), State: v.state,
		Since: v.since, Updated: v.updated,
		Evidence:   call.Evidence{Failing: v.found.works.failingIDs.list(), Working: v.found.works.ids.list()},
		Difference: v.difference(),
	}
	if v.hop != nil {
		f.Target = call.Target{Scheme: v.target.label.Scheme, Host: v.hop.host.name, Port: v.hop.host.port}
	} else {
		f.Target = v.target.label
	}
	c := v.q.client
	if v.q.kind != frameworkOnly && v.q.kind != versionRegression {
		c = v.found.fails.client
	}
	var who call.Client
	if c != nil {
		f.Client.Name, f.Client.Version = c.key.name, c.key.version
		who = call.Client{Kind: c.kind, Name: c.key.name, Version: c.key.version, SDK: c.key.sdk, SDKVersion: c.key.sdkVersion}
	}
	f.ConfoundedBy = v.doubts.names()
	f.Text = sentence(s, v, f.Difference)
	if s.cfg.Remedy != nil {
		f.Remedy = s.cfg.Remedy(slices.Clone(remedyIDs[v.q.kind]), who, f.Target)
	}
	return f
}

// difference is what tells failing from working calls, smallest first.
func (v *verdict) difference() []call.Change {
	ev := &v.found
	switch v.q.kind {
	case streamOnly, plainOnly:
		return shortest(formDifference(ev.failing, ev.working))
	case frameworkOnly:
		list := formDifference(ev.failing, ev.working)
		if ev.by != nil {
			list = append(list, call.Change{Path: "client.name", Failing: v.q.client.key.name, Working: ev.by.key.name})
		}
		return list
	case versionRegression:
		list := []call.Change{{Path: "client.version", Failing: v.q.client.key.version, Working: v.q.good.key.version}}
		return append(list, formDifference(ev.failing, ev.working)...)
	case modelSpecific:
		return []call.Change{{Path: "target.model", Failing: v.q.model, Working: ev.byModel}}
	case pathSpecific:
		return []call.Change{{Path: "agent.peer_address", Failing: v.q.origin.egress, Working: ev.byEgress}}
	case hopDeadline:
		return []call.Change{{Path: "deadline_s", Failing: v.hop.text()}}
	}
	return nil
}

// shortest keeps the stream flag where it differs: it explains the rest.
func shortest(list []call.Change) []call.Change {
	for _, c := range list {
		if c.Path == "body.stream" {
			return []call.Change{c}
		}
	}
	return list
}

// formDifference compares two request forms: flag, path, query, keys, headers.
func formDifference(failing, working *shape) []call.Change {
	if failing == nil || working == nil {
		return nil
	}
	var out []call.Change
	add := func(path, f, w string) {
		if f != w {
			out = append(out, call.Change{Path: path, Failing: f, Working: w})
		}
	}
	add("body.stream", failing.flag.String(), working.flag.String())
	add("request.path", failing.path, working.path)
	out = append(out, queryDifference(failing, working)...)
	out = append(out, nameDifference("body.", failing.keys, working.keys)...)
	return append(out, nameDifference("header.", failing.headers, working.headers)...)
}

// present and absent are the values of a name whose value is not compared.
const (
	present = "present"
	absent  = "absent"
)

func nameDifference(prefix string, failing, working []string) []call.Change {
	var out []call.Change
	for _, k := range failing {
		if k != "stream" && !slices.Contains(working, k) {
			out = append(out, call.Change{Path: prefix + k, Failing: present, Working: absent})
		}
	}
	for _, k := range working {
		if k != "stream" && !slices.Contains(failing, k) {
			out = append(out, call.Change{Path: prefix + k, Failing: absent, Working: present})
		}
	}
	return out
}

func queryDifference(failing, working *shape) []call.Change {
	f, _ := url.ParseQuery(failing.query) // what does not parse is left out
	w, _ := url.ParseQuery(working.query)
	f.Set("api-version", failing.version)
	w.Set("api-version", working.version)
	var names []string
	for k := range f {
		names = append(names, k)
	}
	for k := range w {
		if !f.Has(k) {
			names = append(names, k)
		}
	}
	sort.Strings(names)
	var out []call.Change
	for _, k := range names {
		if x, y := valueOr(f, k), valueOr(w, k); x != y {
			out = append(out, call.Change{Path: "query." + k, Failing: x, Working: y})
		}
	}
	return out
}

func valueOr(q url.Values, name string) string {
	if v := q.Get(name); v != "" {
		return v
	}
	return absent
}
