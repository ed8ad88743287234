package call

import "time"

// Finding is a verdict over several records: what only comparison can show.
type Finding struct {
	Schema  int       `json:"schema"`
	ID      string    `json:"id"`
	Verdict string    `json:"verdict"`
	State   string    `json:"state"` // suspected, confirmed, closed
	Since   time.Time `json:"since"`
	Updated time.Time `json:"updated"`
	Target  Target    `json:"target"`
	Client  struct {
		Name    string `json:"name,omitempty"`
		Version string `json:"version,omitempty"`
	} `json:"client,omitzero"`
	Evidence   Evidence `json:"evidence"`
	Difference []Change `json:"difference,omitempty"`
	Text       string   `json:"text"`
	Conclusion
}

// Conclusion is what to do about a Finding, and what weakens or closed it.
type Conclusion struct {
	Remedy        []string `json:"remedy,omitempty"`
	ConfoundedBy  []string `json:"confounded_by,omitempty"`
	ClosedBecause string   `json:"closed_because,omitempty"`
}

// Evidence lists record ids on both sides of a Finding, newest first.
type Evidence struct {
	Failing []string `json:"failing"`
	Working []string `json:"working"`
}

// Change is one difference between failing and working calls.
type Change struct {
	Path    string `json:"path"`
	Failing string `json:"failing"`
	Working string `json:"working"`
}

// Tunnel is a connection, or several alike, that the agent did not look into.
type Tunnel struct {
	Host string `json:"host"`
	Port int    `json:"port"`
	// Reason is why it was not decrypted (not_listed, upstream_tls, distrust …).
	Reason string `json:"reason"`
	Detail string `json:"detail,omitempty"`
	// Remedy says in one sentence what would make it visible.
	Remedy string    `json:"remedy,omitempty"`
	Since  time.Time `json:"since"`
	Last   time.Time `json:"last"`
	Count  int       `json:"count"`
	Open   int       `json:"open"`
	Up     int64     `json:"bytes_up"`
	Down   int64     `json:"bytes_down"`
}

// Query selects records; zero fields do not restrict.
type Query struct {
	Since   time.Time
	Target  string // substring of host, deployment or model
	Class   string
	Outcome Outcome
	Logical string
	// User is Client.User, whole.
	User string
	// Limit caps the answer; 0 means the implementation's default of 100.
	Limit int
}
