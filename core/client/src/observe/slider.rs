//! Moving a window: what loads and jumps do, and what is kept between two readings. Knows nothing of what it is a window of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use curo_types::ErrorCode;
use rusqlite::Connection;

use super::window::{Rows, Window};
use crate::core::Core;
use crate::error::{Error, Fault};

/// What lies beyond one end of what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Nothing.
    End,
    /// More is on this device: load it.
    More,
    /// It is on its way: from the store, or at the newer end from the relay, because something is behind.
    Loading,
    /// It could not be had. Loading again may succeed; what the relay has is tried again by itself.
    Failed(Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Older,
    Newer,
}

/// How a load stands.
#[derive(Clone, Default)]
pub(crate) enum Load {
    #[default]
    Idle,
    Running,
    Failed(Error),
}

impl Load {
    /// The edge: what a load says of its side comes first.
    pub(crate) fn or(&self, otherwise: Edge) -> Edge {
        match self {
            Self::Idle => otherwise,
            Self::Running => Edge::Loading,
            Self::Failed(error) => Edge::Failed(error.clone()),
        }
    }
}

/// Where a window stands, and what else its owner keeps with that.
pub(crate) trait Stand: Copy + Send + 'static {
    type Place: Copy + Ord + Send + 'static;

    fn window(&mut self) -> &mut Window<Self::Place>;
}

/// What is kept between two readings: places, and `I`, what the last one has read.
pub(crate) struct View<S, I> {
    /// Rises with every load, jump and lock.
    pub(crate) version: u64,
    /// Absent until the first reading.
    pub(crate) stand: Option<S>,
    pub(crate) items: Arc<I>,
    pub(crate) older: Load,
    pub(crate) newer: Load,
}

impl<S, I> View<S, I> {
    fn load(&mut self, side: Side) -> &mut Load {
        match side {
            Side::Older => &mut self.older,
            Side::Newer => &mut self.newer,
        }
    }
}

/// A window that can be moved.
pub(crate) struct Slider<S, I> {
    /// One load or jump at a time.
    turn: tokio::sync::Mutex<()>,
    view: Mutex<View<S, I>>,
}

impl<S: Stand, I: Default> Slider<S, I> {
    pub(crate) fn new() -> Self {
        Self {
            turn: tokio::sync::Mutex::new(()),
            view: Mutex::new(View {
                version: 0,
                stand: None,
                items: Arc::default(),
                older: Load::Idle,
                newer: Load::Idle,
            }),
        }
    }

    pub(crate) fn view(&self) -> MutexGuard<'_, View<S, I>> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is kept, and wakes whoever waits for a snapshot.
    fn change(&self, core: &Core, change: impl FnOnce(&mut View<S, I>)) {
        {
            let mut view = self.view();
            change(&mut view);
            view.version += 1;
        }
        core.observe.wake();
    }

    /// Drops what was read. The place stays.
    pub(crate) fn forget(&self) {
        let mut view = self.view();
        view.items = Arc::default();
        view.version += 1;
    }

    /// Where it stands; `open` says where it begins.
    pub(crate) async fn stand(
        &self,
        core: &Core,
        open: impl FnOnce(&Connection) -> Result<S, Fault> + Send + 'static,
    ) -> Result<S, Fault> {
        let stand = self.view().stand;
        match stand {
            Some(stand) => Ok(stand),
            None => {
                let opened = core.db.read(open).await?;
                Ok(*self.view().stand.get_or_insert(opened))
            }
        }
    }

    /// Lets one end grow by a page.
    pub(crate) async fn load<R>(
        &self,
        core: &Core,
        rows: R,
        side: Side,
        page: usize,
        open: impl FnOnce(&Connection) -> Result<S, Fault> + Send + 'static,
    ) -> Result<(), Fault>
    where
        R: Rows<Place = S::Place> + Send + 'static,
    {
        let _turn = self.turn.lock().await;
        let window = *self.stand(core, open).await?.window();
        self.change(core, |view| *view.load(side) = Load::Running);
        let mut guard = Unfinished {
            slider: self,
            core,
            side,
            is: true,
        };
        let grown = core.db.read(move |conn| {
            Ok(match side {
                Side::Older => window.older(&rows, conn, page)?,
                Side::Newer => window.newer(&rows, conn, page)?,
            })
        });
        let grown = grown.await;
        guard.is = false;
        self.change(core, |view| {
            *view.load(side) = match &grown {
                Err(fault) if fault.code() != ErrorCode::LOCKED => Load::Failed(Error::new(fault.code())),
                _ => Load::Idle,
            };
            if let (Ok(Some(to)), Some(stand)) = (&grown, &mut view.stand) {
                match side {
                    Side::Older => stand.window().grow_older(*to),
                    Side::Newer => stand.window().grow_newer(*to),
                }
            }
        });
        grown.map(drop)
    }

    /// Stands elsewhere.
    pub(crate) async fn jump(
        &self,
        core: &Core,
        find: impl FnOnce(&Connection) -> Result<S, Fault> + Send + 'static,
    ) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        let stand = core.db.read(find).await?;
        self.change(core, |view| {
            view.stand = Some(stand);
            view.older = Load::Idle;
            view.newer = Load::Idle;
        });
        Ok(())
    }
}

/// A caller that goes away in the middle of a load leaves no spinner behind.
struct Unfinished<'a, S: Stand, I: Default> {
    slider: &'a Slider<S, I>,
    core: &'a Core,
    side: Side,
    is: bool,
}

impl<S: Stand, I: Default> Drop for Unfinished<'_, S, I> {
    fn drop(&mut self) {
        if self.is {
            self.slider.change(self.core, |view| *view.load(self.side) = Load::Idle);
        }
    }
}
