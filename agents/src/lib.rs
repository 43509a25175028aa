//! Who acts: the server process and the SRE process.
