package admin

import (
	"slices"
	"strings"

	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
)

// runACL answers who the client is, and which commands each role is for.
func runACL(k *server.Call) error {
	switch {
	case k.Is(1, "WHOAMI"):
		if err := k.SubArity(2, 2); err != nil {
			return err
		}
		k.Out.Text(k.UserName())
		return nil
	case k.Is(1, "CAT"):
		if err := k.SubArity(2, 3); err != nil {
			return err
		}
		return aclCat(k)
	}
	return k.UnknownSub()
}

// aclCat answers the roles, or the commands that need one.
func aclCat(k *server.Call) error {
	if len(k.Args) == 2 {
		k.Out.Texts(acl.All.Names())
		return nil
	}
	role, err := acl.ParseRoles(strings.ToLower(string(k.Args[2][:min(len(k.Args[2]), 64)])))
	if err != nil || len(role.Names()) != 1 {
		return resp.Error("ERR Unknown category '" + string(k.Args[2][:min(len(k.Args[2]), 128)]) + "'")
	}
	var names []string
	for _, name := range k.Server().Commands() {
		cmd := k.Server().Command(name)
		if cmd.Needs&role != 0 {
			names = append(names, name)
		}
		for sub, needs := range cmd.SubNeeds {
			if needs&role != 0 {
				names = append(names, name+"|"+sub)
			}
		}
	}
	slices.Sort(names)
	k.Out.Texts(names)
	return nil
}
