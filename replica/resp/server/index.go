package server

import (
	"fmt"
	"strings"

	"kvd/replica/resp/stats"
)

// index is the rows by name, each a copy with counters of its own. It fails on the first
// row that cannot work.
func (c *Config) index() (map[string]*Command, error) {
	table := map[string]*Command{}
	for _, row := range c.Commands {
		switch {
		case row.Name == "" || len(row.Name) > maxName || row.Name != strings.ToLower(row.Name):
			return nil, fmt.Errorf("resp: the command %q needs a name in lower case of at most %d bytes", row.Name, maxName)
		case table[row.Name] != nil:
			return nil, fmt.Errorf("resp: the command %q has the name of another; choose its own", row.Name)
		case (row.Run == nil && row.Runs == nil) == (row.Plan == nil) || row.Arity == 0 || row.Needs == 0:
			return nil, fmt.Errorf("resp: the command %q has no Arity, no Needs, or not one of Run and what can take its place", row.Name)
		}
		row.used = new(stats.Usage)
		table[row.Name] = &row
	}
	return table, nil
}
