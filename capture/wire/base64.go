package wire

// base64Bad marks characters that base64 has not.
const base64Bad = 1 << 24

// base64Values holds, for each of the four characters of a group, what it adds
// to the 24 bits of the group.
var base64Values = compileBase64("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

func compileBase64(alphabet string) (out [4][256]uint32) {
	for at := range out {
		for c := range out[at] {
			out[at][c] = base64Bad
		}
		for value, c := range []byte(alphabet) {
			out[at][c] = uint32(value) << (18 - 6*at)
		}
	}
	return out
}

// base64Groups decodes the full groups of four characters at the beginning of
// src, as many as fit into dst, and returns how many there are. A group with
// padding or another character ends them.
func base64Groups(dst, src []byte) (groups int) {
	v := &base64Values
	for len(src) >= 4 && len(dst) >= 3 {
		x := v[0][src[0]] | v[1][src[1]] | v[2][src[2]] | v[3][src[3]]
		if x >= base64Bad {
			break
		}
		dst[0], dst[1], dst[2] = byte(x>>16), byte(x>>8), byte(x)
		src, dst = src[4:], dst[3:]
		groups++
	}
	return groups
}
