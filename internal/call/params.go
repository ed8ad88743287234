package call

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// params writes a list of parameters as one JSON object whose values are the
// JSON texts as they were sent.
type params []Param

// MarshalJSON writes the object; a value that is not JSON becomes a string.
func (p params) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, x := range p {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, fmt.Errorf("call: encode parameter name: %w", err)
		}
		value := []byte(x.Value)
		if !json.Valid(value) {
			if value, err = json.Marshal(x.Value); err != nil {
				return nil, fmt.Errorf("call: encode parameter %s: %w", x.Name, err)
			}
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON reads the object back, sorted by name.
func (p *params) UnmarshalJSON(b []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("call: decode parameters: %w", err)
	}
	*p = nil
	for _, k := range slices.Sorted(maps.Keys(m)) {
		var v bytes.Buffer
		if err := json.Compact(&v, m[k]); err != nil {
			return fmt.Errorf("call: decode parameter %s: %w", k, err)
		}
		*p = append(*p, Param{Name: k, Value: v.String()})
	}
	return nil
}
