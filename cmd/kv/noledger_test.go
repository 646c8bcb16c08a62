package main

import "testing"

// A leader that keeps no ledger could not be asked: it is named, and takes no side.
func TestLeadersWithoutALedger(t *testing.T) {
	const refusal = "-NOLEDGER n2 keeps no ledger of lost writes, so it cannot tell what was lost\r\n"
	all := trio(t)[:2]
	all[0].loses(much, lossRow("x", dotA, dotB, "inverted", 2e9))
	all[0].counts(much, 5, 2, 3, 1)
	for _, cmd := range []string{"KVD.LOSSES", "KVD.AUDIT", "KVD.RESTORE"} {
		all[1].on(cmd, refusal)
	}
	o := kv(t, all, "losses")
	o.is(t, codeGone, dotA)
	o.told(t, "n2 keeps no ledger of lost writes")
	o = kv(t, all, "audit")
	o.is(t, codeGone, "n1 counts, over 2 keys:")
	o.told(t, "n2 keeps no ledger of lost writes")
	all[0].restores()
	o = kv(t, []*actor{all[1], all[0]}, "restore", dotA)
	o.is(t, codeOK, "written at n1")
	o.told(t, "n2 keeps no ledger of lost writes")
	o = kv(t, all[1:], "losses")
	o.is(t, codeGone)
	o.told(t, "n2 keeps no ledger", "-n another leader")
}
