// Package token is the text that a client carries between commands and leaders: what it
// has seen, and what it was shown of one key.
//
//	KVD.GET ─▶ Token ─▶ String ─▶ client ─▶ Parse ─▶ Token ─▶ KVD.SET … TOKEN
//
// A token attests what its holder was shown and nothing else. It holds no secret and no
// proof: whoever makes one up harms only what they may write themselves.
//
// Its text is not MessagePack and does not go through storage/codec: clients hold tokens
// already, and theirs are varints with a checksum under base64.
//
// Invariants:
//
//   - equal tokens are equal texts, and Parse takes no other text;
//   - a text that was mangled is refused by its checksum;
//   - Parse allocates no more than the text accounts for, and no more dots than one write
//     can go over.
package token
