package command

import (
	"kvd/replica/acl"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
	"kvd/replica/resp/spec"
)

// compareCommands write a key only if it shows a certain value.
func compareCommands() []server.Command {
	only := spec.KeySpec{First: 1, Last: 1, Step: 1}
	return []server.Command{
		{Name: "delex", Arity: -2, Flags: spec.Write | spec.Fast, Needs: acl.Read | acl.Write, Keys: only, Since: "8.4.0", Plan: planDelEx, Summary: "Removes a key if it shows (IFEQ), or does not show (IFNE), a value." + edit.BetweenLeaders},
		{Name: "delifeq", Arity: 3, Flags: spec.Write | spec.Fast, Needs: acl.Read | acl.Write, Keys: only, Since: "9.0.0", Plan: planDelIfEq, Summary: "Removes a key if it shows a value: how a lock is released." + edit.BetweenLeaders},
	}
}

func planDelEx(k *server.Call) (batch.Render, error) {
	switch len(k.Args) {
	case 2:
		return planDel(k)
	case 4:
	default:
		return nil, resp.WrongArity("delex")
	}
	if !wordsOf(k).Compares(2) {
		return nil, resp.Error("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE")
	}
	c, err := wordsOf(k).ParseCondition(2)
	if err != nil {
		return nil, err
	}
	c.Value = k.Bytes(c.At)
	return showCount, k.Decide(k.Args[1], edit.RemoveIf(c, k.Picks(k.Args[1])))
}

func planDelIfEq(k *server.Call) (batch.Render, error) {
	c := edit.Condition{Kind: edit.IfEqual, Value: k.Bytes(2)}
	return showCount, k.Decide(k.Args[1], edit.RemoveIf(c, k.Picks(k.Args[1])))
}
