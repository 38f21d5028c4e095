//! The B2BUA: admit, route, pair two dialogs, order media, explain, record.
