package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
)

func alertsCommand() *cli.Command {
	return printed("alerts", "print rules for Prometheus", node.AlertRules(),
		"Each rule says what it means and names its runbook. Choose the durations and\nseverities that suit you:\n   kvd alerts > kvd.yml              and name it under rule_files of prometheus.yml")
}

func dashboardCommand() *cli.Command {
	return printed("dashboard", "print a board for Grafana", node.Dashboard(),
		"It asks for a data source of Prometheus, which scrapes /metrics of each leader:\n   kvd dashboard > kvd.json          and import it")
}

// printed is a command that prints one text, which the program has in itself.
func printed(name, usage, text, about string) *cli.Command {
	return &cli.Command{Name: name, Usage: usage, Description: about, Action: func(c *cli.Context) error {
		if c.NArg() > 0 {
			return cliutil.Usage("kvd "+name+" takes no arguments", "read: "+c.Args().First(), "kvd "+name+" > FILE")
		}
		_, err := io.WriteString(c.App.Writer, text)
		return err
	}}
}
