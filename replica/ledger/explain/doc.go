// Package explain turns the answers of package ledger into the sentences that people
// read. A leader and the programs that ask it share it, so that a thing is said in one
// way.
//
//	[Key], [Tree]          why a key holds what it holds
//	[Fate], [Verdict]      what became of one write, under every resolver
//	[Loss]                 one lost write, and to what
//	[Audit], [Gap]         whether every write is accounted for
//	[Advice], [Evidence]   which resolver would have lost less
//	[Beaten], [Error]      why a lost write would lose again, or is not restored
//	[Word]                 how a key is named in a sentence
//
// What it is not: it reads no store and decides nothing; equal answers give equal
// text.
package explain
