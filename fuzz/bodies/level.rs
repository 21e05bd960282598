//! Levels as text: what is accepted is written back the same, and can be walked, solved and seen.

use gouda::maze::draw::{Marks, Style, draw};
use gouda::maze::{
    Cell, Level, MAX_WORLD, Move, decision, distances, observation_len, observe, shortest_path,
};

pub fn check(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let Ok(level) = Level::from_text(text) else {
        return false;
    };
    assert_eq!(
        Level::from_text(&level.rows().join("\n")),
        Ok(level.clone())
    );
    assert!(level.world % 2 == 1 && (5..=MAX_WORLD).contains(&level.world));
    assert!(level.maze_dim % 2 == 1 && level.maze_dim <= level.world);
    assert!(!level.is_wall(level.mouse) && level.cheese != Some(level.mouse));
    let cells = level.free_cells();
    let last = level.top_right();
    for &cell in &cells {
        assert!(level.margin() <= cell.x.min(cell.y) && cell.x.max(cell.y) <= last.x);
        for step in Move::ALL {
            assert!(!level.is_wall(level.neighbour(cell, step)));
        }
    }
    let steps = distances(&level, level.mouse);
    if let Some(cheese) = level.cheese {
        let path = shortest_path(&level, level.mouse, cheese);
        let len = path.map(|path| path.len() - 1);
        assert_eq!(len, steps.get(cheese).map(usize::from));
    }
    let decision = decision(&level);
    if let Some(decision) = decision {
        assert_ne!(decision.to_cheese, decision.to_corner);
        assert!(cells.contains(&decision.cell));
    }
    for region in [0, 1, level.maze_dim, u8::MAX] {
        assert!(level.in_region(last, region));
        let marks = Marks {
            region: Some(region),
            decision: decision.map(|decision| decision.cell),
        };
        let style = Style {
            ascii: region == 0,
            colour: region == 1,
        };
        let picture = draw(&level, level.mouse, marks, style);
        assert_eq!(picture.lines().count(), usize::from(level.world));
    }
    let mut image = vec![9; observation_len(level.world)];
    observe(&level, level.mouse, &mut image);
    let planes = [0, 1, 2].map(|plane| image[plane..].iter().step_by(3).map(|&x| u32::from(x)));
    let [walls, mice, cheeses] = planes.map(Iterator::sum::<u32>);
    let area = u32::from(level.world) * u32::from(level.world);
    assert_eq!(walls, area - cells.len() as u32);
    assert_eq!((mice, cheeses), (1, u32::from(level.cheese.is_some())));
    assert!(level.is_wall(Cell {
        x: level.world,
        y: 0
    }));
    true
}
