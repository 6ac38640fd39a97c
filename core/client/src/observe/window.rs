//! A window over rows in an order: at most 300 of them, that follow the newest end until one looks elsewhere. Knows
//! nothing of what the rows are.
//!
//! Only bounds are kept between two readings. A row comes into the window or leaves it by where it stands, so whatever
//! happens to the rows, a reading gives what a reading of everything would give between the same bounds.

use rusqlite::Connection;

/// Rows of a window, at most.
pub(crate) const LIMIT: usize = 300;

type Result<T> = std::result::Result<T, rusqlite::Error>;

/// Rows that have places in an order.
pub(crate) trait Rows {
    /// A place in the order.
    type Place: Copy + Ord;
    /// What is read of a row at first.
    type Row;

    /// Places before one, the newest first; without one, from the newest end.
    fn before(&self, conn: &Connection, place: Option<Self::Place>, limit: usize) -> Result<Vec<Self::Place>>;

    /// Places after one, the oldest first; without one, from the beginning.
    fn after(&self, conn: &Connection, place: Option<Self::Place>, limit: usize) -> Result<Vec<Self::Place>>;

    /// Rows between two places, both included.
    fn between(
        &self,
        conn: &Connection,
        bounds: (Option<Self::Place>, Option<Self::Place>),
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<Self::Row>>;

    /// Where a row stands.
    fn place(&self, row: &Self::Row) -> Self::Place;

    /// Whether what stands here will get another place among others, as an unsent message does.
    fn floats(&self, _: Self::Place) -> bool {
        false
    }

    /// Where what stood at a floating place stands now; `None` if it is gone.
    fn follow(&self, _: &Connection, place: Self::Place) -> Result<Option<Self::Place>> {
        Ok(Some(place))
    }
}

/// Which end stays when there are too many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Oldest,
    Newest,
}

/// The bounds of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window<P> {
    /// The oldest place; `None` is the beginning, whatever will be found there.
    top: Option<P>,
    /// The newest place; `None` is the live end: what arrives is in the window.
    bottom: Option<P>,
    keep: Keep,
    /// How many rows the last reading has found.
    len: usize,
}

/// What a window shows.
pub(crate) struct View<P, R> {
    /// The window, with the bounds that the reading has found.
    pub(crate) window: Window<P>,
    /// Its rows, the oldest first.
    pub(crate) rows: Vec<R>,
    /// Whether there are older ones.
    pub(crate) older: bool,
    /// Whether there are newer ones.
    pub(crate) newer: bool,
}

impl<P: Copy + Ord> Window<P> {
    /// The newest `page` rows.
    pub(crate) fn newest<R: Rows<Place = P>>(rows: &R, conn: &Connection, page: usize) -> Result<Self> {
        let places = rows.before(conn, None, page + 1)?;
        Ok(Self {
            top: beyond(&places, page),
            bottom: None,
            keep: Keep::Newest,
            len: 0,
        })
    }

    /// The row at a place with so many older and newer ones.
    pub(crate) fn around<R: Rows<Place = P>>(
        rows: &R,
        conn: &Connection,
        place: P,
        (older, newer): (usize, usize),
    ) -> Result<Self> {
        let before = rows.before(conn, Some(place), older + 1)?;
        let after = rows.after(conn, Some(place), newer + 1)?;
        Ok(Self {
            top: if before.len() > older {
                older
                    .checked_sub(1)
                    .map_or(Some(place), |last| before.get(last).copied())
            } else {
                None
            },
            bottom: if after.len() > newer {
                newer
                    .checked_sub(1)
                    .map_or(Some(place), |last| after.get(last).copied())
            } else {
                None
            },
            keep: Keep::Oldest,
            len: 0,
        })
    }

    /// Whether what arrives is in the window.
    pub(crate) fn is_live(&self) -> bool {
        self.bottom.is_none()
    }

    /// The newest place, if it is not the live end.
    pub(crate) fn bottom(&self) -> Option<P> {
        self.bottom
    }

    /// Where a page more of older rows would begin; `None` if there are none.
    pub(crate) fn older<R: Rows<Place = P>>(
        &self,
        rows: &R,
        conn: &Connection,
        page: usize,
    ) -> Result<Option<Grown<P>>> {
        let Some(top) = self.top else { return Ok(None) };
        let places = rows.before(conn, Some(top), page + 1)?;
        Ok((!places.is_empty()).then(|| Grown(beyond(&places, page))))
    }

    /// Where a page more of newer rows would end; `None` if there are none.
    pub(crate) fn newer<R: Rows<Place = P>>(
        &self,
        rows: &R,
        conn: &Connection,
        page: usize,
    ) -> Result<Option<Grown<P>>> {
        let Some(bottom) = self.bottom else { return Ok(None) };
        let places = rows.after(conn, Some(bottom), page + 1)?;
        Ok((!places.is_empty()).then(|| Grown(beyond(&places, page))))
    }

    /// Lets the older end grow; the other end gives way.
    pub(crate) fn grow_older(&mut self, to: Grown<P>) {
        self.top = to.0;
        self.keep = Keep::Oldest;
    }

    /// Lets the newer end grow; the other end gives way.
    pub(crate) fn grow_newer(&mut self, to: Grown<P>) {
        self.bottom = to.0;
        self.keep = Keep::Newest;
    }

    /// Reads what is in the window now. Costs the window, whatever lies outside.
    pub(crate) fn read<R: Rows<Place = P>>(mut self, rows: &R, conn: &Connection) -> Result<View<P, R::Row>> {
        for bound in [&mut self.top, &mut self.bottom] {
            if let Some(place) = *bound
                && rows.floats(place)
                && let Some(now) = rows.follow(conn, place)?
            {
                *bound = Some(now);
            }
        }
        let newest_first = self.keep == Keep::Newest;
        let mut found = rows.between(conn, (self.top, self.bottom), newest_first, LIMIT + 1)?;
        let cut = found.len() > LIMIT;
        found.truncate(LIMIT);
        if newest_first {
            found.reverse();
        }
        // Bounds that will move are rows, which can be followed, and not places where no row is any more.
        let (first, last) = (
            found.first().map(|row| rows.place(row)),
            found.last().map(|row| rows.place(row)),
        );
        if (cut && newest_first) || self.top.is_some_and(|top| rows.floats(top)) {
            self.top = first.or(self.top);
        }
        if (cut && !newest_first) || self.bottom.is_some_and(|bottom| rows.floats(bottom)) {
            self.bottom = last.or(self.bottom);
        }
        let older = match self.top {
            Some(top) => !rows.before(conn, Some(top), 1)?.is_empty(),
            None => false,
        };
        let newer = match self.bottom {
            Some(bottom) => !rows.after(conn, Some(bottom), 1)?.is_empty(),
            None => false,
        };
        if found.is_empty() && (older || newer) {
            // All that it showed was taken back. There is a row, so this comes to an end.
            return Self::newest(rows, conn, self.len.clamp(1, LIMIT))?.read(rows, conn);
        }
        if !older {
            self.top = None;
        }
        if !newer {
            self.bottom = None;
        }
        self.keep = if newer { Keep::Oldest } else { Keep::Newest };
        self.len = found.len();
        Ok(View {
            window: self,
            rows: found,
            older,
            newer,
        })
    }
}

/// A new bound: a place, or the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grown<P>(Option<P>);

/// The bound of the first `page` of these places; `None` if there are no more than these.
fn beyond<P: Copy>(places: &[P], page: usize) -> Option<P> {
    if places.len() > page {
        page.checked_sub(1).and_then(|last| places.get(last)).copied()
    } else {
        None
    }
}
