package member

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
)

// maxTags is how many bytes gossip carries about a member.
const maxTags = memberlist.MetaMaxSize

// The tags. Their names travel with every member, so they are short.
const (
	tagCluster  = "cluster"
	tagOrigin   = "origin"
	tagPeer     = "peer"
	tagRESP     = "resp"
	tagHTTP     = "http"
	tagProtocol = "proto"
	tagPolicy   = "policy"
)

func (c *Config) tags() map[string]string {
	return map[string]string{
		tagCluster:  c.Cluster,
		tagOrigin:   fmt.Sprintf("%016x", c.Origin),
		tagPeer:     c.PeerAddr,
		tagRESP:     c.RespAddr,
		tagHTTP:     c.HTTPAddr,
		tagProtocol: strconv.Itoa(c.Protocol),
		tagPolicy:   c.PolicyDigest,
	}
}

// fromTags reads what tags wrote. What cannot be read stays zero: whoever sent
// it was compared with us before and passed.
func fromTags(tags map[string]string) Member {
	origin, _ := strconv.ParseUint(tags[tagOrigin], 16, 64)
	protocol, _ := strconv.Atoi(tags[tagProtocol])
	return Member{
		Origin:       origin,
		PeerAddr:     tags[tagPeer],
		RespAddr:     tags[tagRESP],
		HTTPAddr:     tags[tagHTTP],
		Protocol:     protocol,
		PolicyDigest: tags[tagPolicy],
	}
}

// serfTags begins serf's encoding of tags; what follows is a msgpack map.
const serfTags = 255

// encodeTags is how serf encodes tags. It is needed to measure them before
// serf does, which gives only a bare refusal.
func encodeTags(tags map[string]string) []byte {
	var b bytes.Buffer
	b.WriteByte(serfTags)
	if err := codec.NewEncoder(&b, &codec.MsgpackHandle{}).Encode(tags); err != nil {
		panic(fmt.Sprintf("member: encode %d tags: %v", len(tags), err)) // a map of strings into memory
	}
	return b.Bytes()
}

// decodeTags reads what serf at another leader encoded, with serf's own codec.
func decodeTags(meta []byte) (map[string]string, error) {
	if len(meta) == 0 || len(meta) > maxTags || meta[0] != serfTags {
		return nil, fmt.Errorf("%d bytes that are no tags", len(meta))
	}
	tags := make(map[string]string)
	if err := codec.NewDecoderBytes(meta[1:], &codec.MsgpackHandle{}).Decode(&tags); err != nil {
		return nil, err
	}
	return tags, nil
}
