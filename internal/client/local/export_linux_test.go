package local

// DiagAnswer shows the reader of the kernel's answers to the fuzzer; b is at
// least a header long, as it is where it is read.
func DiagAnswer(b []byte, server uint16) (inode uint64, uid int, ok bool, err error) {
	s, ok, err := diagAnswer(append(b, make([]byte, max(0, netlinkHeader-len(b)))...), server)
	return s.inode, s.uid, ok, err
}
