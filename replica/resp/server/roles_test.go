package server

import (
	"testing"

	"kvd/replica/acl"
)

// Every command says which roles it takes, and its flags agree with them.
func TestEveryCommandHasItsRole(t *testing.T) {
	table := newTable(nil)
	for _, name := range sortedNames(table) {
		c := table[name]
		t.Logf("%-14s %s", name, c.needs)
		keyed := c.keys.first > 0
		switch {
		case c.needs == 0:
			t.Errorf("%s says no roles, so nobody may send it: give its row a needs column, acl.Anyone if every user may", name)
		case c.needs&acl.Anyone != 0 && c.needs != acl.Anyone:
			t.Errorf("%s is for anyone and for %s: one of them is wrong", name, c.needs)
		case c.flags&write != 0 && c.needs&acl.Write == 0, c.flags&read != 0 && keyed && c.needs&(acl.Read|acl.Write) == 0:
			t.Errorf("%s needs %s, and its flags say that it writes or reads keys", name, c.needs)
		case keyed && c.needs == acl.Anyone:
			t.Errorf("%s has keys and is for anyone", name)
		case c.flags&whole != 0 && keyed:
			t.Errorf("%s concerns every key, and names some", name)
		}
		for _, s := range c.subs {
			t.Logf("%-14s %s", name+"|"+s.name, s.needs)
			if s.needs == 0 || c.flags&family == 0 {
				t.Errorf("%s %s has no roles, or is no subcommand", name, s.name)
			}
		}
	}
}
