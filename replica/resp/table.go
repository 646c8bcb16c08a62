package resp

import (
	"maps"
	"slices"
	"strings"
)

// newTable is every command by name.
func newTable(extra map[string]Extra) map[string]*command {
	table := map[string]*command{}
	for _, g := range []struct {
		group string
		rows  []command
	}{
		{"string", stringCommands()},
		{"generic", keyCommands()},
		{"connection", sessionCommands()},
		{"transactions", txCommands()},
		{"pubsub", pubsubCommands()},
		{"server", serverCommands()},
		{"kvd", kvdCommands()},
		{"kvd", extraCommands(extra)},
	} {
		for i := range g.rows {
			row := &g.rows[i]
			row.group = g.group
			table[row.name] = row
		}
	}
	return table
}

// maxName is longer than every command's name.
const maxName = 32

// lookup finds a command by name, in any case, without allocating.
func (s *Server) lookup(name []byte) *command {
	var lower [maxName]byte
	if len(name) > maxName {
		return nil
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return s.table[string(lower[:len(name)])]
}

// runCommand describes the table.
func runCommand(k *call) error {
	if len(k.args) == 1 {
		k.describeAll(k.srv.names)
		return nil
	}
	switch {
	case k.is(1, "COUNT"):
		if err := k.subArity(2, 2); err != nil {
			return err
		}
		k.w.Int(int64(len(k.srv.table)))
	case k.is(1, "LIST"):
		if err := k.subArity(2, 2); err != nil {
			return err
		}
		writeKeys(k.w, k.srv.names)
	case k.is(1, "INFO"):
		k.describeAll(k.named(k.srv.names))
	case k.is(1, "DOCS"):
		k.document(k.named(k.srv.names))
	case k.is(1, "GETKEYS"):
		if len(k.args) < 3 {
			return wrongArity("command|getkeys")
		}
		return k.getKeys()
	default:
		return k.unknownSub()
	}
	return nil
}

// named is the names the client gave, else all.
func (k *call) named(all []string) []string {
	if len(k.args) == 2 {
		return all
	}
	var names []string
	for _, a := range k.args[2:] {
		names = append(names, strings.ToLower(string(a)))
	}
	return names
}

func (k *call) describeAll(names []string) {
	k.w.Array(len(names))
	for _, name := range names {
		if cmd := k.srv.table[name]; cmd != nil {
			cmd.describe(k.w)
		} else {
			k.w.Null()
		}
	}
}

// describe writes the ten fields that COMMAND answers since Redis 7.
func (c *command) describe(w *Writer) {
	w.Array(10)
	w.Text(c.name)
	w.Int(int64(c.arity))
	flags := c.flagNames()
	w.Set(len(flags))
	for _, f := range flags {
		w.Simple(f)
	}
	w.Int(int64(c.keys.first))
	w.Int(int64(c.keys.last))
	w.Int(int64(c.keys.step))
	w.Set(0) // ACL categories
	w.Array(0)
	w.Array(0)
	w.Array(0)
}

func (c *command) flagNames() []string {
	var names []string
	for _, f := range []struct {
		bit  flag
		name string
	}{{write, "write"}, {read, "readonly"}, {admin, "admin"}, {fast, "fast"}, {open, "no_auth"}, {single, "no_multi"}} {
		if c.flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return names
}

// document answers what redis-cli shows as hints. Unknown names are left out.
func (k *call) document(names []string) {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return k.srv.table[n] == nil })
	k.w.Map(len(names))
	for _, name := range names {
		cmd := k.srv.table[name]
		k.w.Text(name)
		k.w.Map(3)
		k.w.Text("summary")
		k.w.Text(cmd.summary)
		k.w.Text("since")
		k.w.Text(cmd.since)
		k.w.Text("group")
		k.w.Text(cmd.group)
	}
}

// getKeys answers which arguments of a command are keys.
func (k *call) getKeys() error {
	args := k.args[2:]
	cmd := k.srv.lookup(args[0])
	switch {
	case cmd == nil:
		return refusal("ERR Invalid command specified")
	case cmd.keys.first == 0:
		return refusal("ERR The command has no key arguments")
	case !cmd.takes(len(args)):
		return refusal("ERR Invalid number of arguments specified for command")
	}
	last := cmd.keys.last
	if last < 0 {
		last += len(args)
	}
	var keys []string
	for i := cmd.keys.first; i <= last; i += cmd.keys.step {
		keys = append(keys, string(args[i]))
	}
	writeKeys(k.w, keys)
	return nil
}

// takes reports whether the command may have n arguments, its name included.
func (c *command) takes(n int) bool {
	return n == c.arity || c.arity < 0 && n >= -c.arity
}

func sortedNames(table map[string]*command) []string {
	return slices.Sorted(maps.Keys(table))
}
