package admin

import (
	"slices"
	"strings"

	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
)

// whoAmI answers who the client is.
func whoAmI(k *server.Call) error {
	k.Out.Text(k.UserName())
	return nil
}

// aclCat answers the roles, or the commands that need one.
func aclCat(k *server.Call) error {
	if err := k.AtMost(3); err != nil {
		return err
	}
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
