package server

import (
	"maps"
	"slices"
	"strings"

	"kvd/replica/resp"
)

// newTable is every command by name.
func newTable(extra map[string]Extra) map[string]*command {
	table := map[string]*command{}
	for _, g := range []struct {
		group string
		rows  []command
	}{
		{"string", stringCommands()},
		{"string", rangeCommands()},
		{"string", floatCommands()},
		{"string", compareCommands()},
		{"bitmap", bitCommands()},
		{"generic", keyCommands()},
		{"generic", moveCommands()},
		{"generic", objectCommands()},
		{"scripting", scriptCommandRows()},
		{"connection", sessionCommands()},
		{"transactions", txCommands()},
		{"pubsub", pubsubCommands()},
		{"server", serverCommands()},
		{"server", stateCommands()},
		{"server", monitorCommands()},
		{"server", slowCommands()},
		{"kvd", kvdCommands()},
		{"kvd", extraCommands(extra)},
	} {
		for i := range g.rows {
			row := &g.rows[i]
			row.group, row.used, row.run = g.group, new(usage), helped(row.name, row.run)
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
		if len(k.args) < 4 {
			return resp.WrongArity("command|getkeys")
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
func (c *command) describe(w *resp.Writer) {
	w.Array(10)
	w.Text(c.name)
	w.Int(int64(c.arity))
	flags := c.flagNames()
	w.Set(len(flags))
	for _, f := range flags {
		w.Simple(f)
	}
	keys := c.keys
	if keys.counted() {
		keys = keySpec{} // describeKeys tells
	}
	w.Int(int64(keys.first))
	w.Int(int64(keys.last))
	w.Int(int64(keys.step))
	categories := c.categories()
	w.Set(len(categories))
	for _, name := range categories {
		w.Simple(name)
	}
	w.Array(0) // tips
	c.describeKeys(w)
	w.Array(0) // subcommands
}

// categories are Redis' names for kinds of commands.
func (c *command) categories() []string {
	names := []string{"@slow"}
	if c.flags&fast != 0 {
		names[0] = "@fast"
	}
	for _, f := range []struct {
		bit  flag
		name string
	}{{write, "@write"}, {read, "@read"}, {admin, "@admin"}} {
		if c.flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	if group, ok := map[string]string{
		"string": "@string", "bitmap": "@bitmap", "generic": "@keyspace", "connection": "@connection",
		"transactions": "@transaction", "pubsub": "@pubsub", "scripting": "@scripting",
	}[c.group]; ok {
		names = append(names, group)
	}
	return names
}

// describeKeys writes which arguments are keys, as Redis 7 says it, and what is done
// to them.
func (c *command) describeKeys(w *resp.Writer) {
	if c.keys.first == 0 {
		w.Array(0)
		return
	}
	flags, last := []string{"RO", "ACCESS"}, c.keys.last
	switch {
	case c.name == "del" || c.name == "unlink":
		flags = []string{"RM", "DELETE"}
	case c.flags&write != 0:
		flags = []string{"RW", "ACCESS", "UPDATE"}
	}
	if last > 0 {
		last -= c.keys.first
	}
	w.Array(1)
	w.Map(3)
	w.Text("flags")
	w.Set(len(flags))
	for _, f := range flags {
		w.Simple(f)
	}
	if c.keys.counted() {
		writeSpec(w, "begin_search", "index", specField{"index", c.keys.first - 1})
		writeSpec(w, "find_keys", "keynum", specField{"keynumidx", 0}, specField{"firstkey", 1}, specField{"keystep", c.keys.step})
		return
	}
	writeSpec(w, "begin_search", "index", specField{"index", c.keys.first})
	writeSpec(w, "find_keys", "range", specField{"lastkey", last}, specField{"keystep", c.keys.step}, specField{"limit", 0})
}

type specField struct {
	name string
	n    int
}

func writeSpec(w *resp.Writer, step, kind string, fields ...specField) {
	w.Text(step)
	w.Map(2)
	w.Text("type")
	w.Text(kind)
	w.Text("spec")
	w.Map(len(fields))
	for _, f := range fields {
		w.Text(f.name)
		w.Int(int64(f.n))
	}
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
	if c.keys.counted() {
		names = append(names, "movablekeys")
	}
	if !c.waits() {
		names = append(names, "loading")
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

const errNoKeys = resp.Error("ERR The command has no key arguments")

// getKeys answers which arguments of a command are keys.
func (k *call) getKeys() error {
	args := k.args[2:]
	cmd := k.srv.lookup(args[0])
	switch {
	case cmd == nil:
		return resp.Error("ERR Invalid command specified")
	case cmd.keys.first == 0:
		return errNoKeys
	case !cmd.takes(len(args)):
		return resp.Error("ERR Invalid number of arguments specified for command")
	}
	var keys []string
	for key := range (&call{cmd: cmd, args: args}).keyArgs {
		keys = append(keys, string(key))
	}
	if len(keys) == 0 {
		return errNoKeys
	}
	writeKeys(k.w, keys)
	return nil
}

// waits reports whether the command is refused while the leader does not serve yet.
func (c *command) waits() bool { return c.flags&(read|write) != 0 && c.flags&loading == 0 }

// takes reports whether the command may have n arguments, its name included.
func (c *command) takes(n int) bool {
	return n == c.arity || c.arity < 0 && n >= -c.arity
}

func sortedNames(table map[string]*command) []string {
	return slices.Sorted(maps.Keys(table))
}
