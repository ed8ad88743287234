package wire

import "strings"

// slot names a selected place in a document; 0 is none. Those from firstOwn on
// belong to a dialect, those below to what every dialect shares.
type slot uint8

const firstOwn slot = 64

// path selects values: member names joined by dots, * for every member that no
// path names, [] for every element of an array ("choices[].delta.content"); ""
// is the document, "[]" its elements.
type path struct {
	path string
	slot slot
	keep keep
}

// keep is what the scanner hands over of a selected string.
type keep uint8

const (
	keepText keep = iota // the first textCap bytes
	keepEnds             // … and the last tailCap of a longer one
	keepNone             // only whether it is empty
	keepPour             // all of it, piece by piece, by the scanner's pour
)

// node is one step of the compiled paths.
type node struct {
	slot slot // shared
	own  slot // the dialect's
	keys slot // reports every member name
	keep keep
	// elem follows array elements. kids follow members; head holds, by hash of
	// a name, the first of its kids plus one, next the one after.
	elem *node
	kids []kid
	head [32]uint8
	any  *node // members that are no kids
}

type kid struct {
	name string
	node *node
	next uint8
}

// compile builds the tree of some lists of paths.
func compile(lists ...[]path) *node {
	root := &node{}
	for _, list := range lists {
		for _, p := range list {
			n := root.find(p.path)
			fresh := n.slot == 0 && n.own == 0
			if p.slot >= firstOwn {
				n.own = p.slot
			} else {
				n.slot = p.slot
			}
			if fresh || p.keep != keepNone {
				n.keep = p.keep
			}
		}
	}
	return root
}

// find returns the node of a path, growing the tree.
func (n *node) find(p string) *node {
	for p != "" {
		if rest, ok := strings.CutPrefix(p, "[]"); ok {
			if n.elem == nil {
				n.elem = &node{}
			}
			n, p = n.elem, strings.TrimPrefix(rest, ".")
			continue
		}
		end := strings.IndexAny(p, ".[")
		if end < 0 {
			end = len(p)
		}
		n, p = n.grow(p[:end]), strings.TrimPrefix(p[end:], ".")
	}
	return n
}

func (n *node) grow(name string) *node {
	if name == "*" {
		if n.any == nil {
			n.any = &node{}
		}
		return n.any
	}
	if k := n.child([]byte(name)); k != nil && k != n.any {
		return k
	}
	h := bucket([]byte(name))
	n.kids = append(n.kids, kid{name: name, node: &node{}, next: n.head[h]})
	n.head[h] = uint8(len(n.kids))
	return n.kids[len(n.kids)-1].node
}

func bucket(name []byte) byte {
	if len(name) == 0 {
		return 0
	}
	return (byte(len(name))*7 + name[0]*3 + name[len(name)-1]) & 31
}

// child returns the node of a member, nil if no path leads there.
func (n *node) child(name []byte) *node {
	if n == nil {
		return nil
	}
	for i := n.head[bucket(name)]; i != 0; {
		k := &n.kids[i-1]
		if k.name == string(name) {
			return k.node
		}
		i = k.next
	}
	return n.any
}

// element returns the node of array elements, nil if no path leads there.
func (n *node) element() *node {
	if n == nil {
		return nil
	}
	return n.elem
}

// wants reports whether the text of a value here is of use.
func (n *node) wants() bool { return n != nil && n.keep != keepNone && (n.slot != 0 || n.own != 0) }
