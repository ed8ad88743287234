package boards_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"llmtap/test/boards"
)

const board = `{"uid":"b","panels":[
 {"type":"row","title":"r","panels":[{"type":"stat","title":"nested","targets":[{"refId":"A","expr":"up{job=~\"$job\"}","instant":true}]}]},
 {"type":"timeseries","title":"open","targets":[{"refId":"A","expr":"x","legendFormat":"{{l}}"},{"refId":"B","expr":"y"}]},
 {"type":"table","title":"traces","targets":[{"refId":"A","datasource":{"type":"jaeger"}}]}],
 "templating":{"list":[{"name":"job","type":"query","query":"label_values(up{a=\"b\"}, job)"},{"name":"datasource","type":"datasource","query":"prometheus"}]},
 "annotations":{"list":[{"name":"new","expr":"z * 1000"}]}}`

func TestReadFindsEveryQuery(t *testing.T) {
	list, err := boards.Read([]byte(board))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, q := range list {
		got = append(got, q.String()+" = "+q.Expr)
	}
	want := "b: panel nested A = up{job=~\"$job\"}\nb: panel open A = x\nb: panel open B = y\nb: variable job = up{a=\"b\"}\nb: annotation new = z * 1000"
	if g := strings.Join(got, "\n"); g != want {
		t.Errorf("got\n%s\nwant\n%s", g, want)
	}
	if !list[0].Instant || list[1].Legend != "{{l}}" || list[3].Label != "job" || list[0].Panel != "stat" {
		t.Errorf("facts are missing: %+v", list)
	}
}

func TestReadLeavesNothingOut(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":             `{`,
		"panel without query": `{"panels":[{"title":"p","targets":[{"refId":"A"}]}]}`,
		"nested without":      `{"panels":[{"type":"row","panels":[{"title":"p","targets":[{"refId":"A"}]}]}]}`,
		"unknown variable":    `{"templating":{"list":[{"name":"v","type":"query","query":"metrics(.*)"}]}}`,
		"variable no text":    `{"templating":{"list":[{"name":"v","type":"query","query":{"a":1}}]}}`,
		"empty annotation":    `{"annotations":{"list":[{"name":"a"}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if list, err := boards.Read([]byte(text)); err == nil {
				t.Errorf("read %v", list)
			}
		})
	}
	if _, err := boards.Load(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder gives %v", err)
	}
}

func TestFill(t *testing.T) {
	values := boards.All("3600s", "4m", "1m")
	got, err := boards.Fill(`increase(x{job=~"$job", k=~"${a_kind}", c="${client:regex}"}[$__range]) + rate(y[$__rate_interval])`, values)
	if want := `increase(x{job=~".+", k=~"direct", c=".+"}[3600s]) + rate(y[4m])`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if got, err := boards.Fill(`x{a="$nobody"}`, values); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("an unknown variable gives %q, %v", got, err)
	}
}

// The committed dashboards are read whole.
func TestCommittedDashboards(t *testing.T) {
	list, err := boards.Load("../../dashboards/json")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, q := range list {
		kinds[q.Kind]++
		if _, err := boards.Fill(q.Expr, boards.All("6h", "4m", "1m")); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
	if kinds[boards.KindPanel] < 40 || kinds[boards.KindVariable] < 20 || kinds[boards.KindAnnotation] < 10 {
		t.Errorf("found only %v", kinds)
	}
}
