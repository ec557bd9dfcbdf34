//! Holds documentation against evidence: reads documents, finds the statements that promise something, types them, binds them
//! to controls and checks, and compares what they promise with what was measured.
