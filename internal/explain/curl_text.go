package explain

import (
	"slices"
	"strings"
)

// bodyWidth is how long a body may be and still stand on one line.
const bodyWidth = 84

// command writes the request for a shell: one word group a line.
func (q *ask) command() Command {
	lines := []string{`curl -sS -N --fail-with-body -w '\n%{http_code}\n'`}
	if strings.Contains(q.path, "/.") { // curl would resolve it
		lines[0] += " --path-as-is"
	}
	lines = append(lines, quote(address(q)))
	lines = append(lines, q.flags...)
	if q.method == "POST" {
		body := q.body.String()
		if len(body) > bodyWidth {
			body = q.body.lines()
		}
		lines = append(lines, "--data-raw "+quote(body))
	}
	return Command{Text: strings.Join(lines, " \\\n  "), LeftOut: slices.Clip(q.left)}
}

// address is the whole URL.
func address(q *ask) string {
	u := q.base + q.path
	for i, p := range q.query {
		sep := "&"
		if i == 0 {
			sep = "?"
		}
		u += sep + p.name + "=" + p.value
	}
	return u
}
