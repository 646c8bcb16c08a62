package admin

import (
	"slices"
	"strings"

	"kvd/replica/resp"
	"kvd/replica/resp/server"
)

var commandRuns = server.Runs{
	"count":   func(k *server.Call) error { k.Out.Int(int64(len(k.Server().Commands))); return nil },
	"list":    commandList,
	"info":    describeNamed,
	"docs":    document,
	"getkeys": getKeys,
}

func commandList(k *server.Call) error {
	if err := k.AtMost(2); err != nil {
		return err
	}
	k.Out.Texts(k.Server().Commands)
	return nil
}

// named is the names the client gave, else all.
func named(k *server.Call) []string {
	if len(k.Args) <= 2 {
		return k.Server().Commands
	}
	var names []string
	for _, a := range k.Args[2:] {
		names = append(names, strings.ToLower(string(a)))
	}
	return names
}

func describeNamed(k *server.Call) error {
	names := named(k)
	k.Out.Array(len(names))
	for _, name := range names {
		if cmd := k.Server().Command(name); cmd != nil {
			describeCommand(cmd, k.Out)
		} else {
			k.Out.Null()
		}
	}
	return nil
}

func writeNames(w *resp.Writer, names []string) {
	w.Set(len(names))
	for _, name := range names {
		w.Simple(name)
	}
}

type flagName struct {
	bit  server.Flag
	name string
}

// flagged appends the names of the flags that the command has.
func flagged(names []string, c *server.Command, all ...flagName) []string {
	for _, f := range all {
		if c.Flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return names
}

// describeCommand writes the ten fields that COMMAND answers since Redis 7.
func describeCommand(c *server.Command, w *resp.Writer) {
	w.Array(10)
	w.Text(c.Name)
	w.Int(int64(c.Arity))
	writeNames(w, flagNames(c))
	keys := c.Keys
	if keys.Counted() {
		keys = server.KeySpec{} // describeKeys tells
	}
	w.Int(int64(keys.First))
	w.Int(int64(keys.Last))
	w.Int(int64(keys.Step))
	writeNames(w, categoriesOf(c))
	w.Array(0) // tips
	describeKeys(c, w)
	w.Array(0) // subcommands
}

// categoriesOf are Redis' names for kinds of commands.
func categoriesOf(c *server.Command) []string {
	names := []string{"@slow"}
	if c.Flags&server.Fast != 0 {
		names[0] = "@fast"
	}
	names = flagged(names, c, flagName{server.Write, "@write"}, flagName{server.Read, "@read"}, flagName{server.Admin, "@admin"})
	if group, ok := map[string]string{
		"string": "@string", "bitmap": "@bitmap", "generic": "@keyspace", "connection": "@connection",
		"transactions": "@transaction", "pubsub": "@pubsub", "scripting": "@scripting",
	}[c.Group]; ok {
		names = append(names, group)
	}
	return names
}

// describeKeys writes which arguments are keys, as Redis 7 says it, and what is done
// to them.
func describeKeys(c *server.Command, w *resp.Writer) {
	if c.Keys.First == 0 {
		w.Array(0)
		return
	}
	flags, last := []string{"RO", "ACCESS"}, c.Keys.Last
	switch {
	case c.Name == "del" || c.Name == "unlink":
		flags = []string{"RM", "DELETE"}
	case c.Flags&server.Write != 0:
		flags = []string{"RW", "ACCESS", "UPDATE"}
	}
	if last > 0 {
		last -= c.Keys.First
	}
	w.Array(1)
	w.Map(3)
	writeNames(w.Field("flags"), flags)
	if c.Keys.Counted() {
		writeSpec(w, "begin_search", "index", specField{"index", c.Keys.First - 1})
		writeSpec(w, "find_keys", "keynum", specField{"keynumidx", 0}, specField{"firstkey", 1}, specField{"keystep", c.Keys.Step})
		return
	}
	writeSpec(w, "begin_search", "index", specField{"index", c.Keys.First})
	writeSpec(w, "find_keys", "range", specField{"lastkey", last}, specField{"keystep", c.Keys.Step}, specField{"limit", 0})
}

type specField struct {
	name string
	n    int
}

func writeSpec(w *resp.Writer, step, kind string, fields ...specField) {
	w.Text(step)
	w.Map(2)
	w.Field("type").Text(kind)
	w.Field("spec").Map(len(fields))
	for _, f := range fields {
		w.Text(f.name)
		w.Int(int64(f.n))
	}
}

func flagNames(c *server.Command) []string {
	names := flagged(nil, c, flagName{server.Write, "write"}, flagName{server.Read, "readonly"}, flagName{server.Admin, "admin"},
		flagName{server.Fast, "fast"}, flagName{server.BeforeAuth, "no_auth"}, flagName{server.NoMulti, "no_multi"})
	if c.Keys.Counted() {
		names = append(names, "movablekeys")
	}
	if !c.NeedsServing() {
		names = append(names, "loading")
	}
	return names
}

// document answers what redis-cli shows as hints. Unknown names are left out.
func document(k *server.Call) error {
	names := slices.DeleteFunc(slices.Clone(named(k)), func(n string) bool { return k.Server().Command(n) == nil })
	k.Out.Map(len(names))
	for _, name := range names {
		cmd := k.Server().Command(name)
		k.Out.Text(name)
		k.Out.Map(3)
		k.Out.Field("summary").Text(cmd.Summary)
		k.Out.Field("since").Text(cmd.Since)
		k.Out.Field("group").Text(cmd.Group)
	}
	return nil
}

const errNoKeys = resp.Error("ERR The command has no key arguments")

func getKeys(k *server.Call) error {
	args := k.Args[2:]
	cmd := k.Server().Lookup(args[0])
	switch {
	case cmd == nil:
		return resp.Error("ERR Invalid command specified")
	case cmd.Keys.First == 0:
		return errNoKeys
	case !cmd.Takes(len(args)):
		return resp.Error("ERR Invalid number of arguments specified for command")
	}
	var keys []string
	for key := range cmd.Keys.Of(args) {
		keys = append(keys, string(key))
	}
	if len(keys) == 0 {
		return errNoKeys
	}
	k.Out.Texts(keys)
	return nil
}
