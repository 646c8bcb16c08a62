package command

import (
	"testing"

	"kvd/replica/acl"
	"kvd/replica/resp/server"
)

// Every command says which roles it takes, and its flags agree with them.
func TestEveryCommandHasItsRole(t *testing.T) {
	for _, c := range Table(Options{}) {
		name := c.Name
		t.Logf("%-14s %s", name, c.Needs)
		keyed := c.Keys.First > 0
		switch {
		case c.Needs == 0:
			t.Errorf("%s says no roles, so nobody may send it: give its row a needs column, acl.Anyone if every user may", name)
		case c.Needs&acl.Anyone != 0 && c.Needs != acl.Anyone:
			t.Errorf("%s is for anyone and for %s: one of them is wrong", name, c.Needs)
		case c.Flags&server.Write != 0 && c.Needs&acl.Write == 0, c.Flags&server.Read != 0 && keyed && c.Needs&(acl.Read|acl.Write) == 0:
			t.Errorf("%s needs %s, and its flags say that it writes or reads keys", name, c.Needs)
		case keyed && c.Needs == acl.Anyone:
			t.Errorf("%s has keys and is for anyone", name)
		case c.Flags&server.AllKeys != 0 && keyed:
			t.Errorf("%s concerns every key, and names some", name)
		}
		for sub, needs := range c.SubNeeds {
			t.Logf("%-14s %s", name+"|"+sub, needs)
			if needs == 0 || c.Subs[sub] == 0 {
				t.Errorf("%s %s has no roles, or is no subcommand", name, sub)
			}
		}
	}
}
