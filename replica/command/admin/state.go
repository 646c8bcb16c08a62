package admin

import (
	"kvd/replica/acl"
	"kvd/replica/resp/server"
	"kvd/replica/resp/spec"
)

// State say how the server is placed among others.
func State() []server.Command {
	return []server.Command{
		{Name: "lastsave", Arity: 1, Flags: spec.Fast, Needs: acl.Anyone, Since: "1.0.0", Run: runLastSave, Summary: "Answers the present: what was acknowledged is kept as --sync says, and nothing waits to be saved."},
		{Name: "role", Arity: 1, Flags: spec.Fast, Needs: acl.Anyone, Since: "2.8.12", Run: runRole, Summary: "Answers master, how many writes this leader has applied, and no replicas: every leader takes writes."},
	}
}

// runLastSave answers the present: what was acknowledged is kept as --sync says, and
// nothing waits to be saved.
func runLastSave(k *server.Call) error {
	k.Out.Int(k.Config().Clock().Unix())
	return nil
}

// runRole answers that every leader takes writes. The others are not its replicas, so
// that none is listed.
func runRole(k *server.Call) error {
	offset := int64(0)
	for d := range k.Inspector().Frontier().All() {
		offset += int64(d.Seq)
	}
	k.Out.Array(3)
	k.Out.Text("master")
	k.Out.Int(offset)
	k.Out.Array(0)
	return nil
}
