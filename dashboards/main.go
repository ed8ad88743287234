// Command dashboards writes the Grafana dashboards of llmtap into a folder.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"llmtap/dashboards/gen"
)

func main() {
	var o gen.Options
	dir := flag.String("o", "json", "folder to write to")
	flag.StringVar(&o.Tracing, "tracing", gen.TracingJaeger, "trace data source: jaeger or tempo")
	flag.StringVar(&o.Runbooks, "runbooks", "", "address under which docs/runbooks is published")
	flag.Parse()
	if err := write(*dir, o); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

func write(dir string, o gen.Options) error {
	boards, err := gen.All(o)
	if err != nil {
		return err
	}
	for _, b := range boards {
		file, err := b.JSON()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, b.UID+".json"), file, 0o644); err != nil {
			return fmt.Errorf("write dashboard: %w", err)
		}
	}
	return nil
}
