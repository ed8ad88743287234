package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"llmtap/internal/call"
)

// Input is what a report is about. Nothing of it is changed or kept.
type Input struct {
	// Records are the attempts of the period, newest first.
	Records []call.Record
	// Evidence are records that Missing named and that could still be read;
	// they are shown as proof and not counted.
	Evidence []call.Record
	// Findings are the verdicts to show, newest first.
	Findings []call.Finding
	// Tool is the program and version that writes the report.
	Tool string
	// Made is when the report is written; Since and Target are what was asked
	// for, zero if nothing was.
	Made   time.Time
	Since  time.Time
	Target string
	// Capped says that there are older records in the period which are not here.
	Capped bool
	// TunnelsUnknown and Tunnels tell of connections that were not looked into:
	// their number, or that it is not known because no agent was running.
	TunnelsUnknown bool
	Tunnels        int
}

// Missing returns the ids of calls that prove the findings and are not among
// the records: at most two of each finding.
func Missing(in Input) []string {
	var out []string
	for _, f := range in.Findings[:min(len(in.Findings), maxVerdicts)] {
		for _, ids := range [][]string{f.Evidence.Failing, f.Evidence.Working} {
			if len(ids) > 0 && find(in.Records, ids[:1]) == nil && !slices.Contains(out, ids[0]) {
				out = append(out, ids[0])
			}
		}
	}
	return out
}

// find returns the first record that one of ids names, in the order of ids.
func find(records []call.Record, ids []string) *call.Record {
	for _, id := range ids {
		for i := range records {
			if records[i].Identity.ID == id {
				return &records[i]
			}
		}
	}
	return nil
}

// Write writes the report to w: one HTML file of at most MaxBytes. It writes
// nothing if the report cannot be made.
func Write(w io.Writer, in Input) error {
	var out bytes.Buffer
	if err := document().Execute(&out, build(in)); err != nil {
		return fmt.Errorf("report: write page: %w", err)
	}
	if out.Len() > MaxBytes {
		return fmt.Errorf("report: write page: %d bytes, more than %d", out.Len(), MaxBytes)
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("report: write page: %w", err)
	}
	return nil
}
