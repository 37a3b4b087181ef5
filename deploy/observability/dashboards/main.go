// Command dashboards writes Grafana's dashboards, which are defined in dashboards.go. Run it in its folder:
//
//	go -C deploy/observability/dashboards run .
//
// It is a module of its own, so that the program does not depend on Grafana's SDK.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// outputDir is the folder from which Grafana reads dashboards.
const outputDir = "../grafana/dashboards"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	for _, p := range pages() {
		text, err := p.render()
		if err != nil {
			return err
		}
		if err := os.WriteFile(p.path(), text, 0o644); err != nil {
			return fmt.Errorf("write dashboard %s: %w", p.name, err)
		}
	}
	return nil
}

// path returns the file of the dashboard.
func (p *page) path() string { return filepath.Join(outputDir, p.name+".json") }
