package main

import "testing"

// Leaders that serve under different policies are told apart.
func TestPoliciesAreCompared(t *testing.T) {
	serves := func(name, text string) *actor {
		return newActor(t, name).on("KVD.POLICY", string(dict(pair("text", word(text)), pair("default", word("lww")), pair("shadows", several()), pair("rules", dict()))))
	}
	same := []*actor{serves("n1", "*=lww"), serves("n2", "*=lww")}
	kv(t, same, "admin", "policy").is(t, codeOK, "  *=lww\n127.0.0.1:")
	o := kv(t, append(same, serves("n3", "*=lww,acks=2")), "admin", "policy", "list")
	o.is(t, codeDiffers, "  *=lww,acks=2\n")
	o.told(t, "leaders disagree", "=lww,acks=2", ": they refuse each other")
}
