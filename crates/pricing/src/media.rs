//! [`Media`]: what in a request is not text: images, sound, film, files.

use smallvec::SmallVec;

/// Kinds of images told apart in one request; what is beyond is taken as of unknown size.
const IMAGES_MAX: usize = 64;

/// What a body holds beside text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// Bytes of the raw body that are media in base64, and so no text.
    pub bytes: u64,
    /// Its images, equal ones together.
    pub images: SmallVec<[Image; 2]>,
    /// The most that its audio can last, milliseconds.
    pub audio_ms: u64,
    /// Pieces of audio of unknown length.
    pub audio_unknown: u32,
    /// Videos.
    pub videos: u32,
    /// Files that are not plain text: PDF and the like.
    pub files: u32,
}

/// So many images of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// The detail asked for.
    pub detail: Detail,
    /// Width and height, pixels, where the body holds the image and its header can be read.
    pub size: Option<(u32, u32)>,
    /// How many.
    pub count: u32,
}

/// `image_url.detail`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// `low`.
    Low,
    /// `high`, `auto`, absent.
    #[default]
    High,
    /// `original`, or anything we do not know.
    Original,
}

impl Media {
    /// Whether there is nothing but text.
    pub fn is_empty(&self) -> bool {
        *self == Media::default()
    }

    /// One more image.
    pub fn add_image(&mut self, detail: Detail, size: Option<(u32, u32)>) {
        let full = self.images.len() >= IMAGES_MAX;
        let (detail, size) = if full { (Detail::Original, None) } else { (detail, size) };
        match self.images.iter_mut().find(|image| image.detail == detail && image.size == size) {
            Some(image) => image.count = image.count.saturating_add(1),
            None => self.images.push(Image { detail, size, count: 1 }),
        }
    }

    /// How many images.
    pub fn image_count(&self) -> u64 {
        self.images.iter().map(|image| u64::from(image.count)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_images_take_little_room_and_none_is_lost() {
        let mut media = Media::default();
        assert!(media.is_empty());
        for side in 1..=1_000 {
            media.add_image(Detail::High, Some((side, side)));
            media.add_image(Detail::Low, None);
        }
        assert_eq!(media.image_count(), 2_000);
        assert!(media.images.len() <= IMAGES_MAX + 1);
        assert!(media.images.contains(&Image { detail: Detail::High, size: Some((1, 1)), count: 1 }));
    }
}
