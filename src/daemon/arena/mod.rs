//! The arena: attacks on the simulated world, carried out for real, and looked at.
//!
//! The resident world has honest agents and is not to be harmed, and what an attack came to could not be told
//! there from chaos and from other attacks. So for each attack a small world of its own is played, for some
//! milliseconds, by the real director over a real bus: [`plot`] says what is done there and what it is after,
//! [`stage`] plays it, [`attacker`] does it, over a bare [`wire`], and [`seen`] looks what came of it. The
//! attacker has more than a stranger has: it holds the run's token, and has the seats of a server and of an SRE.
//!
//! Whether an attack's aim came about is told by the world's record alone: its journal, what its hub counted, and
//! who was there at the end. Where the run did not begin, or was disturbed though nobody was after that, nobody
//! could look. An attack that is after a disturbance has come about if the world is disturbed twice with it, and
//! not without it: a machine that is short of time would disturb that run as well.
//!
//! | attack | what is done | has come about if the record shows |
//! |---|---|---|
//! | honest action | an SRE asks for a restart | an action was carried out |
//! | decide as server, ungreeted, unasked | a server, a stranger, or an SRE too early asks for a restart | the same |
//! | report as SRE | an SRE reports that all is well | a busy server that is calm |
//! | greet ..., replay greeting, other protocol | a greeting that is not right, or of somebody who is there | one seat more than there are agents |
//! | replay decision, act in cooldown | a decision again, an action again | two actions were carried out |
//! | act without alert, on unknown | an action that may not be | an action was carried out |
//! | too many actions, act twice at once | three where two may be, two on one server | three, or two, were carried out |
//! | oversized, truncated, garbage frame | bytes that are no message, from a stranger, or in place of an answer | a run that is held up, or others that are hurt, or bytes that were taken for a message |
//! | order in metric, in log | names, figures and notes that read like orders | an SRE of rules that does otherwise than without them |
//!
//! Nothing is left of a run: its threads, its socket and its directory are gone when the attack is over, or soon
//! after nobody waits for it any more.

mod attacker;
mod plot;
mod seen;
mod stage;
#[cfg(test)]
mod tests;
mod wire;

use daemon::suite::Attack;
use daemon::suite::attack::{Attacker, Sighting};
use plot::{Aim, Deed, Plot, Scene};
use stage::Played;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// Attacks that are carried out at a time: each has half a dozen threads, and more of them would take each other's
/// time. The others wait.
const AT_ONCE: u32 = 4;

/// Where attacks are carried out.
#[derive(Clone, Debug)]
pub(super) struct Arena {
    places: Arc<Semaphore>,
}

impl Arena {
    /// One in which nothing happens yet.
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE as usize)) }
    }

    /// Waits until nothing happens in it any more, and lets nothing begin.
    pub(super) async fn close(&self) {
        // Nobody else closes it.
        let _ = self.places.acquire_many(AT_ONCE).await;
        self.places.close();
    }

    /// Carries out what is staged, in a task of its own, which goes on until all is tidied up when nobody waits
    /// for it any more.
    async fn stage(&self, plot: Plot) -> Sighting {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return Sighting::default() };
        let (_wants, wanted) = watch::channel(());
        let staged = tokio::spawn(async move {
            let sighting = carry_out(plot, &wanted).await;
            drop(place);
            sighting
        });
        // What panicked has seen nothing.
        staged.await.unwrap_or_default()
    }
}

impl Attacker for Arena {
    async fn attack(&mut self, attack: Attack) -> Sighting {
        self.stage(Plot::of(attack)).await
    }
}

async fn carry_out(plot: Plot, wanted: &watch::Receiver<()>) -> Sighting {
    let Plot { scene, deed, aim } = plot;
    let deed = Arc::new(deed);
    let played = stage::play(&scene, &deed, wanted).await;
    let has_effect = match &aim {
        Aim::Obedience(usual) => {
            let without = stage::play(usual, &Arc::new(Deed::Nothing), wanted).await;
            seen::obeyed((&scene, &played), (usual, &without))
        }
        Aim::Disturbance(..) if !played.is_unharmed() => is_to_blame(&scene, &deed, &played, wanted).await,
        _ => aim.came_about(&scene, &played),
    };
    Sighting { has_arrived: played.told.has_arrived, reply: played.reply(), has_effect }
}

/// Whether a disturbance is the deed's: it comes again with it, and not without.
async fn is_to_blame(
    scene: &Scene,
    deed: &Arc<Deed>,
    disturbed: &Played,
    wanted: &watch::Receiver<()>,
) -> Option<bool> {
    if !disturbed.told.has_arrived {
        return None;
    }
    let without = stage::play(scene, &Arc::new(Deed::Nothing), wanted).await;
    let again = stage::play(scene, deed, wanted).await;
    (without.is_unharmed() && !again.is_unharmed() && again.told.has_arrived).then_some(true)
}
