package member

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/hashicorp/memberlist"
	"github.com/vmihailenco/msgpack/v5"
)

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
	tagBegun    = "begun"
	tagNumber   = "pnum"
)

func (c *Config) tags() map[string]string {
	tags := map[string]string{
		tagCluster:  c.Cluster,
		tagOrigin:   fmt.Sprintf("%016x", c.Origin),
		tagPeer:     c.PeerAddr,
		tagRESP:     c.RespAddr,
		tagHTTP:     c.HTTPAddr,
		tagProtocol: strconv.Itoa(c.Protocol),
		tagPolicy:   c.PolicyDigest,
		tagBegun:    begun(c.Begun),
	}
	if c.PolicyNumber > 0 {
		tags[tagNumber] = strconv.FormatUint(c.PolicyNumber, 10)
	}
	return tags
}

// begun is a moment as a tag: of the same length for all that there will be.
func begun(at int64) string { return fmt.Sprintf("%016x", at) }

// serfTags begins serf's encoding of tags; what follows is a MessagePack map.
const serfTags = 255

// tagsSize is how many bytes serf's encoding of tags takes. It is needed before serf
// encodes them, because serf then fails without saying why. Serf writes strings as
// MessagePack's first version did, which has no header of two bytes; msgpack/v5 would
// write other bytes for strings of 32 to 255.
func tagsSize(tags map[string]string) int {
	size := 2 // serfTags and the map's header: there are fewer than 16 tags
	for k, v := range tags {
		for _, s := range [2]string{k, v} {
			if size += 1 + len(s); len(s) >= 32 {
				size += 2
			}
		}
	}
	return size
}

// decodeTags reads what serf at another leader encoded. It takes memory only for bytes
// that are there.
func decodeTags(meta []byte) (map[string]string, error) {
	if len(meta) == 0 || len(meta) > maxTags || meta[0] != serfTags {
		return nil, fmt.Errorf("%d bytes that are no tags", len(meta))
	}
	left := bytes.NewReader(meta[1:])
	dec := msgpack.NewDecoder(left)
	n, err := dec.DecodeMapLen()
	if err == nil && (n < 0 || n > left.Len()) {
		err = fmt.Errorf("%d tags in %d bytes", n, len(meta))
	}
	tags := make(map[string]string)
	for ; n > 0 && err == nil; n-- {
		var k string
		if k, err = decodeTag(dec, left); err == nil {
			tags[k], err = decodeTag(dec, left)
		}
	}
	if err != nil {
		return nil, err
	}
	return tags, nil
}

func decodeTag(dec *msgpack.Decoder, left *bytes.Reader) (string, error) {
	n, err := dec.DecodeBytesLen()
	if err == nil && (n < 0 || n > left.Len()) {
		err = fmt.Errorf("a tag of %d bytes, of which %d are there", n, left.Len())
	}
	if err != nil {
		return "", err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(left, b)
	return string(b), err
}
