// Package boards reads the committed Grafana dashboards: every query of every
// panel, variable and annotation, with Grafana's variables filled in. What is
// proved of the queries elsewhere is proved of all of them, because this walk
// leaves none out.
package boards

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Query is one expression of a dashboard.
type Query struct {
	// Board is the dashboard's uid, Place the panel, variable or annotation.
	Board, Place string
	// Kind is KindPanel, KindVariable or KindAnnotation.
	Kind string
	// Panel is the panel's type; empty for variables and annotations.
	Panel string
	Ref   string
	// Expr is PromQL with Grafana's variables; of a variable, its selector.
	Expr string
	// Legend is the text of a series, Label what a variable lists.
	Legend, Label string
	// Instant queries are asked for the end of the range only; Exemplar ones
	// for exemplars too.
	Instant, Exemplar bool
}

// Values of Query.Kind.
const (
	KindPanel      = "panel"
	KindVariable   = "variable"
	KindAnnotation = "annotation"
)

// String names the place of a query.
func (q Query) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s: %s %s %s", q.Board, q.Kind, q.Place, q.Ref), " ")
}

// file is what this package reads of a dashboard.
type file struct {
	UID        string  `json:"uid"`
	Panels     []panel `json:"panels"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Name string `json:"name"`
			Expr string `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
}

type panel struct {
	Type    string  `json:"type"`
	Title   string  `json:"title"`
	Panels  []panel `json:"panels"`
	Targets []struct {
		RefID      string `json:"refId"`
		Expr       string `json:"expr"`
		Legend     string `json:"legendFormat"`
		Instant    bool   `json:"instant"`
		Exemplar   bool   `json:"exemplar"`
		Datasource struct {
			Type string `json:"type"`
		} `json:"datasource"`
	} `json:"targets"`
}

type variable struct {
	Name  string          `json:"name"`
	Type  string          `json:"type"`
	Query json.RawMessage `json:"query"`
}

// Load reads every dashboard in dir. A query that the walk does not understand
// is an error, never left out.
func Load(dir string) ([]Query, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("boards: no dashboards in %s: %w", dir, errors.Join(err, os.ErrNotExist))
	}
	slices.Sort(names)
	var out []Query
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("boards: read dashboard: %w", err)
		}
		list, err := Read(raw)
		if err != nil {
			return nil, fmt.Errorf("boards: read %s: %w", filepath.Base(name), err)
		}
		out = append(out, list...)
	}
	return out, nil
}

// Read returns the queries of one dashboard.
func Read(raw []byte) ([]Query, error) {
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, err
	}
	out, err := f.panels(nil, f.Panels)
	if err != nil {
		return nil, err
	}
	for _, v := range f.Templating.List {
		q, err := v.selector(f.UID)
		if err != nil {
			return nil, err
		}
		if q.Expr != "" {
			out = append(out, q)
		}
	}
	for _, a := range f.Annotations.List {
		if a.Expr == "" {
			return nil, fmt.Errorf("annotation %s has no expression", a.Name)
		}
		out = append(out, Query{Board: f.UID, Kind: KindAnnotation, Place: a.Name, Expr: a.Expr})
	}
	return out, nil
}

func (f file) panels(out []Query, list []panel) ([]Query, error) {
	for _, p := range list {
		for _, t := range p.Targets {
			switch {
			case t.Datasource.Type == "jaeger", t.Datasource.Type == "tempo":
				continue
			case t.Expr == "":
				return nil, fmt.Errorf("panel %s: target %s has no expression", p.Title, t.RefID)
			}
			out = append(out, Query{
				Board: f.UID, Kind: KindPanel, Panel: p.Type, Place: p.Title, Ref: t.RefID, Expr: t.Expr, Legend: t.Legend, Instant: t.Instant, Exemplar: t.Exemplar,
			})
		}
		var err error
		if out, err = f.panels(out, p.Panels); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// labelValues is the only query of variables that the dashboards use.
var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

func (v variable) selector(board string) (Query, error) {
	if v.Type != "query" {
		return Query{}, nil
	}
	var text string
	if err := json.Unmarshal(v.Query, &text); err != nil {
		return Query{}, fmt.Errorf("variable %s: %w", v.Name, err)
	}
	m := labelValues.FindStringSubmatch(text)
	if m == nil {
		return Query{}, fmt.Errorf("variable %s: cannot read %q", v.Name, text)
	}
	return Query{Board: board, Kind: KindVariable, Place: v.Name, Expr: m[1], Label: m[2]}, nil
}

// dollar is what Grafana would replace.
var dollar = regexp.MustCompile(`\$\{?(\w+)(:\w+)?\}?`)

// Fill replaces Grafana's variables by values. A variable without a value is an
// error: it would reach Prometheus as it is.
func Fill(expr string, values map[string]string) (string, error) {
	var missing []string
	out := dollar.ReplaceAllStringFunc(expr, func(found string) string {
		name := dollar.FindStringSubmatch(found)[1]
		v, ok := values[name]
		if !ok {
			missing = append(missing, name)
		}
		return v
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("boards: fill %q: no value for %s", expr, strings.Join(missing, ", "))
	}
	return out, nil
}

// All are values that choose everything: the windows in seconds as Grafana
// writes them, and each variable's All. The sides of the comparison differ by
// kind of client.
func All(window, rate, step string) map[string]string {
	out := map[string]string{"__range": window, "__rate_interval": rate, "__interval": step, "a_kind": "direct", "b_kind": "framework"}
	for _, name := range []string{"job", "instance", "target", "model", "client", "a_client", "a_stream", "b_client", "b_stream"} {
		out[name] = ".+"
	}
	return out
}
